import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** Of both halves, bytes. */
const enough = 16 * 1024 * 1024;

/**
 * Lets V8's young generation grow no further than serves a request. It doubles with what survives its collections, of a
 * list nearly all, up to 128 MB, which are used in turn and stay with the process. By Node's own options only the whole
 * process could be started so, by whoever starts it.
 */
export function boundYoungGeneration(): void {
  let isEnough = false;
  new PerformanceObserver(() => {
    const size = getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')?.space_size ?? 0;
    if (size >= enough === isEnough) return;
    isEnough = size >= enough;
    setFlagsFromString(`--semi-space-growth-factor=${isEnough ? 1 : 2}`);
  }).observe({ entryTypes: ['gc'] });
}
