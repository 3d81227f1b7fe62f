import { setTimeout as sleep } from 'node:timers/promises';
import type { Row, SuiteOptions } from '../suite.ts';
import { countDiscovered, createConfigPoller, waitForClusters } from './config.ts';
import type { BenchSite } from './site.ts';
import { findLongest } from './sizes.ts';

const stallGoalMs = 50;
const mebibyte = 1024 * 1024;

/** Every profile is deleted, so many at once, while a tab asks. The hub is empty afterwards. */
export async function measureDeletes(site: BenchSite, { tell }: SuiteOptions): Promise<Row[]> {
  const empty = await site.spawn({ extraArgs: ['--cluster-inventory-namespaces=none'] });
  await waitForClusters(empty, 0);
  await sleep(1_000);
  const baseline = await empty.report();
  await empty.stop();
  const sidecar = await site.spawn();
  const count = site.filled();
  await waitForClusters(sidecar, count);
  const before = await sidecar.report();
  const since = performance.now();
  const deleted = site.empty(tell).then(() => performance.now() - since);
  const poller = createConfigPoller(sidecar);
  for (;;) {
    const text = await poller.poll();
    if (text !== undefined && countDiscovered(text) === 0) break;
    sidecar.assertRunning();
    await sleep(20);
  }
  const goneMs = performance.now() - since;
  const deletedMs = await deleted;
  const after = await sidecar.report();
  await sleep(1_000);
  const settled = await sidecar.report();
  await sidecar.stop();
  const longest = findLongest(after.stalls);
  const heap = ({ heapUsed, external }: typeof after): number => (heapUsed + external) / mebibyte;
  return [
    {
      name: `${count} deletes, 32 at once: until the hub has answered the last, and until none is in /config`,
      measured: `${(deletedMs / 1000).toFixed(1)} s and ${(goneMs / 1000).toFixed(1)} s; CPU of the sidecar ${((after.cpuMs - before.cpuMs) / 1000).toFixed(1)} s, with a tab that asks every 20 ms`,
      values: { deletedMs, goneMs, cpuMs: after.cpuMs - before.cpuMs },
    },
    {
      name: `longest stall of the event loop in ${count} deletes`,
      measured: `${longest.wallMs.toFixed(0)} ms, of which the thread worked ${longest.cpuMs.toFixed(0)} ms`,
      goal: { text: `none above ${stallGoalMs} ms`, isMet: longest.wallMs <= stallGoalMs },
      values: { wall: longest.wallMs, cpu: longest.cpuMs },
    },
    {
      name: `heap and buffers before, and after ${count} deletes; of one that never had any`,
      measured: `${heap(before).toFixed(1)} MB, ${heap(settled).toFixed(1)} MB; ${heap(baseline).toFixed(1)} MB`,
      values: { before: heap(before), after: heap(settled), baseline: heap(baseline) },
    },
  ];
}
