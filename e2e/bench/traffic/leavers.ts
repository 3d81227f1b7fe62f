import { setTimeout as sleep } from 'node:timers/promises';
import { countDescriptors } from '../processGroup.ts';
import type { Row, SuiteOptions } from '../suite.ts';
import { buildRequests, type ProbedTarget, type TrafficSite } from './site.ts';
import { watchPath } from './watches.ts';

const bodyPath = `/api/v1/pods?bytes=${64 * 1024 * 1024}`;
const atOnce = 200;
const settleMs = 10_000;
const megabyte = 1024 * 1024;

interface State {
  readonly rss: number;
  readonly heap: number;
  readonly descriptors: number;
}

/** Half of them in the middle of a large body, half of them in a watch. */
export async function measureLeavers(site: TrafficSite, { quick }: SuiteOptions): Promise<Row[]> {
  const clients = quick ? 1_000 : 10_000;
  const probed = await site.startProbed();
  const leave = (count: number): Promise<{ readonly seconds: number }> =>
    site.streams.ask('comeAndGo', {
      ...probed.endpoint,
      clients: count,
      atOnce,
      requests: [...buildRequests(probed, watchPath), ...buildRequests(probed, bodyPath)],
    });
  try {
    await leave(2 * atOnce);
    await sleep(1_000);
    const before = await readState(probed);
    const { seconds } = await leave(clients);
    const leftAt = performance.now();
    while (performance.now() - leftAt < settleMs && countOpen(probed) > before.descriptors) await sleep(100);
    const settledMs = performance.now() - leftAt;
    const after = await readState(probed);
    const mb = (bytes: number): string => (bytes / megabyte).toFixed(1);
    const grown = after.descriptors - before.descriptors;
    return [
      {
        name: `before and after ${clients} clients, ${atOnce} at a time, that leave in the middle of an answer`,
        measured: `RSS ${mb(before.rss)}, ${mb(after.rss)} MB; heap after a collection ${mb(before.heap)}, ${mb(after.heap)} MB; descriptors ${before.descriptors}, ${after.descriptors} (${grown > 0 ? `still after ${settleMs / 1000} s` : `after ${(settledMs / 1000).toFixed(1)} s`}); all took ${seconds.toFixed(1)} s`,
        values: {
          clients,
          seconds,
          rssBefore: before.rss,
          rssAfter: after.rss,
          heapBefore: before.heap,
          heapAfter: after.heap,
          descriptorsBefore: before.descriptors,
          descriptorsAfter: after.descriptors,
        },
      },
    ];
  } finally {
    await probed.stop();
  }
}

function countOpen({ group }: ProbedTarget): number {
  return group === undefined ? 0 : countDescriptors(group);
}

async function readState(probed: ProbedTarget): Promise<State> {
  await probed.report();
  const { rss, heapUsed, external } = await probed.report();
  return { rss, heap: heapUsed + external, descriptors: countOpen(probed) };
}
