import { createParser } from 'eventsource-parser';
import type { ClustersChange, ClustersResponse } from '../model/inventoryTypes.ts';
import type { SendRequest } from './clustersClient.ts';

export type InventoryEvent =
  /** The whole list: the version could not be resumed. */
  | { readonly kind: 'state'; readonly response: ClustersResponse }
  | { readonly kind: 'clusters'; readonly change: ClustersChange };

/** Follows what changes after a version, until the stream ends, for whatever reason. Never rejects. */
export type FollowEvents = (
  version: string,
  onEvent: (event: InventoryEvent) => void,
  signal: AbortSignal,
) => Promise<void>;

/** The sidecar says every 15 s that it is there; what is silent for longer is dead. */
const SILENCE_MS = 40_000;

/** By Headlamp's own request, which knows the base URL; an `EventSource` would not say why it was refused. */
export function createFollowEvents(sendRequest: SendRequest, silenceMs = SILENCE_MS): FollowEvents {
  return async (version, onEvent, signal) => {
    const over = new AbortController();
    const end = (): void => over.abort();
    signal.addEventListener('abort', end);
    let timer = setTimeout(end, silenceMs);
    const path = `/cluster-inventory/v1/events?since=${encodeURIComponent(version)}`;
    const parser = createParser({
      onEvent({ event, data }) {
        const parsed = parseEvent(event, data);
        if (parsed) onEvent(parsed);
      },
    });
    try {
      const answer = await sendRequest(path, { isJSON: false, signal: over.signal }, false, false);
      if (!(answer instanceof Response) || !answer.body || !isEventStream(answer)) return;
      const reader = answer.body.getReader();
      const decoder = new TextDecoder();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        clearTimeout(timer);
        timer = setTimeout(end, silenceMs);
        parser.feed(decoder.decode(value, { stream: true }));
      }
    } catch {
      // The list says why, when it is asked for next.
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      // Also where what came was not understood: nobody reads on.
      end();
    }
  };
}

function isEventStream({ headers }: Response): boolean {
  return /^text\/event-stream\b/i.test(headers.get('Content-Type') ?? '');
}

function parseEvent(event: string | undefined, data: string): InventoryEvent | undefined {
  // Both ends are released together, and the list that the stream goes on from was looked at.
  if (event === 'state') return { kind: 'state', response: JSON.parse(data) as ClustersResponse };
  if (event === 'clusters') return { kind: 'clusters', change: JSON.parse(data) as ClustersChange };
  return undefined;
}
