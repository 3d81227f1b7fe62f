import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** Of both halves, bytes. Larger, it takes memory for 2 % of a request's CPU. */
const enough = 16 * 1024 * 1024;

let holders = 0;
let isEnough = false;

function decideGrowth(): void {
  setFlagsFromString(`--semi-space-growth-factor=${holders > 0 || isEnough ? 1 : 2}`);
}

/**
 * Lets V8's young generation grow no further than serves a request. It doubles with what survives its collections, up to
 * 128 MB, all of which are used in turn and stay with the process. By Node's own options only the whole process could be
 * started so, by whoever starts it.
 */
export function boundYoungGeneration(): void {
  new PerformanceObserver(() => {
    const size = getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')?.space_size ?? 0;
    if (size >= enough === isEnough) return;
    isEnough = size >= enough;
    decideGrowth();
  }).observe({ entryTypes: ['gc'] });
}

/**
 * Keeps it at its size meanwhile: right for traffic, of which nothing lives long, it would grow, since nearly all of a list
 * survives, and took up to 80 MB for no less work.
 */
export async function keepYoungGeneration<Result>(work: () => Promise<Result>): Promise<Result> {
  holders++;
  decideGrowth();
  try {
    return await work();
  } finally {
    holders--;
    decideGrowth();
  }
}
