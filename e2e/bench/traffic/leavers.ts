import { setTimeout as sleep } from 'node:timers/promises';
import { countDescriptors } from '../processGroup.ts';
import type { Row, SuiteOptions } from '../suite.ts';
import { buildRequests, type ProbedTarget, type TrafficSite } from './site.ts';
import { watchPath } from './watches.ts';

const bodyPath = `/api/v1/pods?bytes=${64 * 1024 * 1024}`;
const stalledPath = `${bodyPath}&stalled=true`;
/** A large body costs the upstream much for each that leaves it. */
const bodiesIn = 8;
const atOnce = 200;
const settleMs = 2_000;
const megabyte = 1024 * 1024;

interface State {
  readonly rss: number;
  readonly heap: number;
  readonly descriptors: number;
}

/** In a watch, in a body that does not go on, and some in the middle of one that comes faster than they read. */
export async function measureLeavers(site: TrafficSite, { quick }: SuiteOptions): Promise<Row[]> {
  const clients = quick ? 600 : 10_000;
  const probed = await site.startProbed();
  const leave = (count: number): Promise<{ readonly seconds: number }> =>
    site.streams.ask('comeAndGo', {
      ...probed.endpoint,
      clients: count,
      atOnce,
      requests: [
        ...buildRequests(probed, watchPath),
        ...buildRequests(probed, stalledPath),
        ...buildRequests(probed, bodyPath, bodiesIn),
      ],
    });
  try {
    await leave(2 * atOnce);
    await sleep(1_000);
    const before = await readState(probed);
    const { seconds } = await leave(clients);
    await sleep(settleMs);
    const after = await readState(probed);
    const mb = (bytes: number): string => (bytes / megabyte).toFixed(1);
    return [
      {
        name: `before, and ${settleMs / 1000} s after ${clients} clients, ${atOnce} at a time, that leave in the middle of an answer`,
        measured: `RSS ${mb(before.rss)}, ${mb(after.rss)} MB; heap after a collection ${mb(before.heap)}, ${mb(after.heap)} MB; descriptors ${before.descriptors}, ${after.descriptors}; all took ${seconds.toFixed(1)} s`,
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
