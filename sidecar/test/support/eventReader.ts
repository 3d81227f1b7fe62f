import { until } from './until.ts';

export interface ServerSentEvent {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: unknown;
}

/** A reader of server-sent events over a socket of its own. */
export interface EventReader {
  readonly status: number;
  readonly headers: Headers;
  readonly events: readonly ServerSentEvent[];
  readonly comments: number;
  readonly isOver: boolean;
  waitForEvents(count: number): Promise<readonly ServerSentEvent[]>;
  waitForEnd(): Promise<readonly ServerSentEvent[]>;
  leave(): void;
}

export async function openEvents(url: string, headers: Record<string, string> = {}): Promise<EventReader> {
  const controller = new AbortController();
  const response = await fetch(url, { headers, signal: controller.signal });
  const events: ServerSentEvent[] = [];
  let comments = 0;
  let isOver = false;
  const read = async (): Promise<void> => {
    let rest = '';
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const parts = `${rest}${chunk}`.split('\n\n');
      rest = parts.pop() ?? '';
      for (const part of parts) {
        const fields = new Map(
          part.split('\n').map((line): [string, string] => {
            const at = line.indexOf(':');
            return [line.slice(0, at), line.slice(at + 1).trim()];
          }),
        );
        const data = fields.get('data');
        if (data === undefined) comments++;
        else events.push({ event: fields.get('event') ?? '', id: fields.get('id'), data: JSON.parse(data) });
      }
    }
  };
  void read()
    .catch(() => undefined)
    .finally(() => (isOver = true));
  return {
    status: response.status,
    headers: response.headers,
    events,
    get comments() {
      return comments;
    },
    get isOver() {
      return isOver;
    },
    async waitForEvents(count) {
      await until(`${count} events`, () => events.length >= count);
      return events;
    },
    async waitForEnd() {
      await until('the end of the events', () => isOver);
      return events;
    },
    leave() {
      controller.abort();
    },
  };
}
