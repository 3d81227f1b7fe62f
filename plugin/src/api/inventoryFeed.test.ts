import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { sampleCluster, sampleInventory } from '../../test/sampleInventory.ts';
import type { ListResult } from './clustersClient.ts';
import type { InventoryEvent } from './eventStream.ts';
import { createInventoryFeed } from './inventoryFeed.ts';

const good: ListResult = { ok: true, response: sampleInventory() };
const failed = (failure: 'unreachable' | 'signed-out'): ListResult => ({ ok: false, failure });

interface Followed {
  readonly version: string;
  readonly say: (event: InventoryEvent) => void;
  readonly signal: AbortSignal;
  readonly end: () => void;
}

const list = vi.fn<() => Promise<ListResult>>();
const followed: Followed[] = [];
const feed = createInventoryFeed({
  client: { list },
  follow: (version, say, signal) =>
    new Promise((resolve) => {
      const end = (): void => resolve();
      followed.push({ version, say, signal, end });
      signal.addEventListener('abort', end);
    }),
});
const newest = (): Followed => {
  const last = followed.at(-1);
  if (!last) throw new Error('nothing is followed');
  return last;
};

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
const leaving: (() => void)[] = [];
const look = (listener = (): void => undefined): (() => void) => {
  const leave = feed.subscribe(listener);
  leaving.push(leave);
  return leave;
};

function setVisibility(state: DocumentVisibilityState): void {
  vi.spyOn(document, 'visibilityState', 'get').mockReturnValue(state);
  document.dispatchEvent(new Event('visibilitychange'));
}

beforeEach(() => {
  vi.useFakeTimers();
  list.mockReset().mockResolvedValue(good);
  followed.length = 0;
  setVisibility('visible');
});

afterEach(() => {
  for (const leave of leaving.splice(0)) leave();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe('the inventory feed', () => {
  it('asks for the list once, then follows the events from its version', async () => {
    look();
    expect(feed.current()).toEqual({ isLoading: true });
    await pass(0);
    expect(feed.current()).toEqual({
      inventory: sampleInventory(),
      loadedAtMs: Date.now(),
      isLoading: false,
    });
    expect(newest().version).toBe('v1');
    await pass(3_600_000);
    expect(list).toHaveBeenCalledTimes(1);
    expect(followed).toHaveLength(1);
  });

  it('shows what an event changes, and tells its listeners', async () => {
    const told = vi.fn();
    look(told);
    await pass(0);
    told.mockClear();
    const changed = sampleCluster({ displayName: 'renamed' });
    newest().say({ kind: 'clusters', change: { version: 'v2', changed: [changed], removed: [] } });
    expect(feed.current().inventory?.clusters).toEqual([changed]);
    newest().say({ kind: 'state', response: sampleInventory([]) });
    expect(feed.current().inventory?.clusters).toEqual([]);
    expect(told).toHaveBeenCalledTimes(2);
  });

  it('asks for the list anew when a stream ends, once a second at most', async () => {
    look();
    await pass(10_000);
    newest().end();
    await pass(0);
    expect(list).toHaveBeenCalledTimes(2);
    for (let round = 0; round < 3; round++) {
      newest().end();
      await pass(999);
      expect(list).toHaveBeenCalledTimes(2 + round);
      await pass(1);
      expect(list).toHaveBeenCalledTimes(3 + round);
    }
  });

  it('keeps the last list and the time until which it was current while newer answers fail', async () => {
    look();
    await pass(60_000);
    list.mockResolvedValue(failed('unreachable'));
    const endedAt = Date.now();
    newest().end();
    await pass(5_000);
    expect(feed.current()).toEqual({
      inventory: sampleInventory(),
      failure: 'unreachable',
      loadedAtMs: endedAt,
      isLoading: false,
    });
    list.mockResolvedValue(good);
    await pass(5_000);
    expect(feed.current().failure).toBeUndefined();
  });

  it('keeps nothing of who signed out, and finds who signs in within a second', async () => {
    look();
    await pass(1_000);
    list.mockResolvedValue(failed('signed-out'));
    newest().end();
    await pass(0);
    expect(feed.current()).toEqual({ failure: 'signed-out', isLoading: false });
    list.mockResolvedValue(good);
    await pass(1_000);
    expect(feed.current().inventory).toEqual(sampleInventory());
  });

  it('asks at once when told to', async () => {
    list.mockResolvedValue(failed('unreachable'));
    look();
    await pass(100);
    feed.reload();
    await pass(0);
    expect(list).toHaveBeenCalledTimes(2);
    list.mockResolvedValue(good);
    feed.reload();
    await pass(0);
    feed.reload();
    await pass(0);
    expect(list).toHaveBeenCalledTimes(4);
    expect(followed.map(({ signal }) => signal.aborted)).toEqual([true, false]);
  });

  it('follows nothing while the page is hidden, and catches up when it is seen again', async () => {
    look();
    await pass(0);
    setVisibility('hidden');
    await pass(3_600_000);
    expect(newest().signal.aborted).toBe(true);
    expect(list).toHaveBeenCalledTimes(1);
    setVisibility('visible');
    await pass(0);
    expect(list).toHaveBeenCalledTimes(2);
    expect(newest().signal.aborted).toBe(false);
  });

  it('is one for all who look, and ends with the last of them', async () => {
    const leaveFirst = look();
    const leaveSecond = look();
    await pass(0);
    leaveFirst();
    expect(newest().signal.aborted).toBe(false);
    leaveSecond();
    expect(newest().signal.aborted).toBe(true);
    setVisibility('visible');
    await pass(60_000);
    expect(list).toHaveBeenCalledTimes(1);
    expect(feed.current()).toEqual({ isLoading: true });
  });

  it('takes no answer that comes after everybody left', async () => {
    let finish: (result: ListResult) => void = () => undefined;
    list.mockReturnValueOnce(new Promise((resolve) => (finish = resolve)));
    look()();
    finish(good);
    await pass(60_000);
    expect(feed.current()).toEqual({ isLoading: true });
    expect(list).toHaveBeenCalledTimes(1);
  });
});
