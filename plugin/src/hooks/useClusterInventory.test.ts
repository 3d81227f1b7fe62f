import { act, cleanup, renderHook } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { sampleInventory } from '../../test/sampleInventory.ts';
import type { ListResult } from '../api/clustersClient.ts';
import { useClusterInventory } from './useClusterInventory.ts';

const good: ListResult = { ok: true, response: sampleInventory() };
const bad: ListResult = { ok: false, failure: 'unreachable' };

const list = vi.fn<() => Promise<ListResult>>();
const client = { list };

async function pass(ms: number): Promise<void> {
  await act(() => vi.advanceTimersByTimeAsync(ms));
}

function setVisibility(state: DocumentVisibilityState): void {
  vi.spyOn(document, 'visibilityState', 'get').mockReturnValue(state);
  document.dispatchEvent(new Event('visibilitychange'));
}

beforeEach(() => {
  vi.useFakeTimers();
  list.mockReset().mockResolvedValue(good);
  setVisibility('visible');
});

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe('useClusterInventory', () => {
  it('loads, then has the list and the time of it', async () => {
    const { result } = renderHook(() => useClusterInventory(client));
    expect(result.current).toMatchObject({ isLoading: true });
    await pass(0);
    expect(result.current).toMatchObject({
      inventory: sampleInventory(),
      loadedAtMs: Date.now(),
      isLoading: false,
    });
  });

  it('asks again every 5 seconds', async () => {
    renderHook(() => useClusterInventory(client));
    await pass(4_999);
    expect(list).toHaveBeenCalledTimes(1);
    await pass(1);
    expect(list).toHaveBeenCalledTimes(2);
    await pass(10_000);
    expect(list).toHaveBeenCalledTimes(4);
  });

  it('keeps the last list and its time while newer answers fail, and forgets the failure after', async () => {
    const { result } = renderHook(() => useClusterInventory(client));
    await pass(0);
    const { loadedAtMs } = result.current;
    list.mockResolvedValue(bad);
    await pass(5_000);
    expect(result.current).toMatchObject({
      inventory: sampleInventory(),
      failure: 'unreachable',
      loadedAtMs,
    });
    list.mockResolvedValue(good);
    await pass(5_000);
    expect(result.current.failure).toBeUndefined();
  });

  it('has one request at a time', async () => {
    let finish: (result: ListResult) => void = () => undefined;
    list.mockReturnValueOnce(new Promise((resolve) => (finish = resolve)));
    const { result } = renderHook(() => useClusterInventory(client));
    act(() => result.current.reload());
    setVisibility('visible');
    await pass(60_000);
    expect(list).toHaveBeenCalledTimes(1);
    finish(good);
    await pass(5_000);
    expect(list).toHaveBeenCalledTimes(2);
  });

  it('asks at once when told to, and 5 seconds after that', async () => {
    const { result } = renderHook(() => useClusterInventory(client));
    await pass(3_000);
    act(() => result.current.reload());
    await pass(4_999);
    expect(list).toHaveBeenCalledTimes(2);
    await pass(1);
    expect(list).toHaveBeenCalledTimes(3);
  });

  it('asks nothing while the page is hidden, and at once when it is seen again', async () => {
    renderHook(() => useClusterInventory(client));
    await pass(0);
    setVisibility('hidden');
    await pass(60_000);
    expect(list).toHaveBeenCalledTimes(1);
    setVisibility('visible');
    await pass(0);
    expect(list).toHaveBeenCalledTimes(2);
  });

  it('UI-20: asks nothing more where the page is hidden while it asks', async () => {
    let finish: (result: ListResult) => void = () => undefined;
    list.mockReturnValueOnce(new Promise((resolve) => (finish = resolve)));
    renderHook(() => useClusterInventory(client));
    setVisibility('hidden');
    finish(good);
    await pass(60_000);
    expect(list).toHaveBeenCalledTimes(1);
  });

  it('asks no more when an answer comes after it is gone', async () => {
    let finish: (result: ListResult) => void = () => undefined;
    list.mockReturnValueOnce(new Promise((resolve) => (finish = resolve)));
    const { unmount } = renderHook(() => useClusterInventory(client));
    unmount();
    finish(good);
    await pass(60_000);
    expect(list).toHaveBeenCalledTimes(1);
  });

  it('asks no more once it is gone', async () => {
    const { unmount } = renderHook(() => useClusterInventory(client));
    await pass(0);
    unmount();
    setVisibility('visible');
    await pass(60_000);
    expect(list).toHaveBeenCalledTimes(1);
  });
});
