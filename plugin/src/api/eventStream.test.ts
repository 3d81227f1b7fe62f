import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { sampleInventory } from '../../test/sampleInventory.ts';
import type { SendRequest } from './clustersClient.ts';
import { createFollowEvents, type InventoryEvent } from './eventStream.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

interface Opened {
  readonly path: string;
  readonly signal: AbortSignal;
  readonly write: (text: string) => void;
  readonly close: () => void;
}

function streamWith(contentType = 'text/event-stream'): { readonly send: SendRequest; opened: Opened[] } {
  const opened: Opened[] = [];
  const send: SendRequest = (path, { signal }) => {
    if (!signal) throw new Error('no signal');
    const body = new ReadableStream<Uint8Array>({
      start(stream) {
        signal.addEventListener('abort', () => stream.error(signal.reason));
        opened.push({
          path,
          signal,
          write: (text) => stream.enqueue(new TextEncoder().encode(text)),
          close: () => stream.close(),
        });
      },
    });
    return Promise.resolve(new Response(body, { headers: { 'Content-Type': contentType } }));
  };
  return { send, opened };
}

const wait = (ms = 0): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
const change = { version: 'v2', changed: [], removed: ['ä'] };

describe('following the events', () => {
  it('from a version, hands over what it understands, however it is cut', async () => {
    const { send, opened } = streamWith();
    const events: InventoryEvent[] = [];
    const over = createFollowEvents(send)('v+1', (event) => events.push(event), new AbortController().signal);
    await wait();
    expect(opened[0]?.path).toBe('/cluster-inventory/v1/events?since=v%2B1');
    const text = `:\n\nevent: clusters\nid: v2\ndata: ${JSON.stringify(change)}\n\nevent: later\ndata: x\n\n`;
    for (const character of text) opened[0]?.write(character);
    opened[0]?.write(`event: state\ndata: ${JSON.stringify(sampleInventory())}\n\nevent: end\ndata: {}\n\n`);
    opened[0]?.close();
    await over;
    expect(events).toEqual([
      { kind: 'clusters', change },
      { kind: 'state', response: sampleInventory() },
    ]);
  });

  it('ends when it is told to, and the request with it', async () => {
    const { send, opened } = streamWith();
    const leave = new AbortController();
    const over = createFollowEvents(send)('v', () => undefined, leave.signal);
    await wait();
    leave.abort();
    await over;
    expect(opened[0]?.signal.aborted).toBe(true);
  });

  it('takes one from which nothing ever came for dead after 40 s', async () => {
    const { send, opened } = streamWith();
    const ended = vi.fn();
    void createFollowEvents(send)('v', () => undefined, new AbortController().signal).then(ended);
    await wait(39_999);
    expect(ended).not.toHaveBeenCalled();
    await wait(1);
    expect(ended).toHaveBeenCalled();
    expect(opened[0]?.signal.aborted).toBe(true);
  });

  it('takes what is silent for 40 s for dead; a comment is a sign of life', async () => {
    const { send, opened } = streamWith();
    const ended = vi.fn();
    const over = createFollowEvents(send)('v', () => undefined, new AbortController().signal).then(ended);
    await wait(39_000);
    opened[0]?.write(':\n\n');
    await wait(39_000);
    expect(ended).not.toHaveBeenCalled();
    await wait(1_000);
    await over;
    expect(ended).toHaveBeenCalled();
  });

  it.each([
    ['is refused', () => Promise.reject(Object.assign(new Error('no'), { status: 401 }))],
    ['is no stream', streamWith('text/html').send],
    ['is no Response', () => Promise.resolve({})],
  ])('that %s ends at once', async (_what, send) => {
    const onEvent = vi.fn();
    await createFollowEvents(send)('v', onEvent, new AbortController().signal);
    expect(onEvent).not.toHaveBeenCalled();
  });

  it('ends with the request where it cannot be understood', async () => {
    const { send, opened } = streamWith();
    const over = createFollowEvents(send)('v', () => undefined, new AbortController().signal);
    await wait();
    opened[0]?.write('event: clusters\ndata: {\n\n');
    await over;
    expect(opened[0]?.signal.aborted).toBe(true);
  });
});
