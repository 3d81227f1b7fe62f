import { setTimeout as sleep } from 'node:timers/promises';
import { readRssBytes } from '../processGroup.ts';
import type { Delays } from '../processes/streams.ts';
import { median, type Row, type SuiteOptions } from '../suite.ts';
import { takeTurn } from './rounds.ts';
import { buildRequests, type TrafficSite } from './site.ts';
import type { Target } from './targets.ts';
import { describeError, describeTargets, valuesOf } from './targetLines.ts';
import { settingsPath } from './throughput.ts';

export const watchPath = '/api/v1/namespaces/shop/configmaps?watch=true&resourceVersion=1';
const everyMs = 2;
const delayGoalMs = 0.15;
const memoryGoalKb = 40;
const kilobyte = 1024;

interface Seen extends Delays {
  /** Of the proxy, for each watch. */
  readonly rssKb: number;
}

/** Many watches that are open at once, and an event into each. */
export async function measureWatches(site: TrafficSite, { quick, tell }: SuiteOptions): Promise<Row[]> {
  const count = quick ? 200 : 1_000;
  const rounds = quick ? 1 : 2;
  const seen = new Map<string, Seen[]>();
  const failures = new Map<string, string>();
  for (let round = 0; round < rounds; round++) {
    for (const target of site.targets) {
      if (failures.has(target.name)) continue;
      try {
        if (round === 0)
          await takeTurn(site, target, { path: settingsPath, connections: 32, seconds: quick ? 0.3 : 1 });
        seen.set(target.name, [...(seen.get(target.name) ?? []), await watch(site, target, count)]);
      } catch (error) {
        if (target === site.sidecar || target === site.straight) throw error;
        failures.set(target.name, describeError(error));
      } finally {
        await closeWatches(site);
      }
      tell(`round ${round + 1} of ${rounds}: ${target.name}`);
    }
  }
  const of = (figure: 'p50' | 'p99') => (name: string) =>
    median((seen.get(name) ?? []).map((each) => each[figure]));
  const added = (figure: 'p50' | 'p99') => (name: string) =>
    median(
      (seen.get(name) ?? []).map(
        (each, round) => each[figure] - (seen.get('straight')?.[round]?.[figure] ?? 0),
      ),
    );
  // Later ones find memory that the first had freed.
  const rss = (name: string): number => seen.get(name)?.[0]?.rssKb ?? Number.NaN;
  const p50 = added('p50')('sidecar');
  return [
    {
      name: `an event into each of ${count} watches, one every ${everyMs} ms, from the upstream writing until it is read: p50, p99; RSS of the proxy for each watch`,
      measured: describeTargets(
        site,
        (name) => {
          const [sign, figure] = name === 'straight' ? ['takes', of] : ['adds', added];
          const kept = rss(name);
          return `${sign.padEnd(5)} ${figure('p50')(name).toFixed(3).padStart(7)} ${figure('p99')(name).toFixed(2).padStart(6)} ms${Number.isNaN(kept) ? '' : `  ${kept.toFixed(0).padStart(4)} KB`}`;
        },
        failures,
      ),
      goal: { text: `the sidecar adds less than ${delayGoalMs} ms at p50`, isMet: p50 < delayGoalMs },
      values: valuesOf(site, { addedP50: added('p50'), addedP99: added('p99'), p50: of('p50'), rssKb: rss }),
    },
    await measureIdle(site, count, quick ? 1 : 3),
  ];
}

async function watch(site: TrafficSite, target: Target, count: number): Promise<Seen> {
  const readRss = (): number =>
    (target.group === undefined ? undefined : readRssBytes(target.group)) ?? Number.NaN;
  const before = readRss();
  await openWatches(site, target, count);
  await sleep(300);
  const rssKb = (readRss() - before) / count / kilobyte;
  // Once to get warm.
  await site.upstream.ask('emit', { everyMs });
  await sleep(300);
  await site.streams.ask('takeDelays', null);
  const sent = await site.upstream.ask('emit', { everyMs });
  await sleep(300);
  const delays = await site.streams.ask('takeDelays', null);
  if (sent !== count || delays.count !== count)
    throw new Error(`${sent} events were sent and ${delays.count} came of ${count}`);
  return { ...delays, rssKb };
}

async function openWatches({ streams }: TrafficSite, target: Target, count: number): Promise<void> {
  await streams.ask('openWatches', { ...target.endpoint, count, requests: buildRequests(target, watchPath) });
}

/** Gone at the upstream as well, so that nothing is sent into those of the one before. */
export async function closeWatches({ streams, upstream }: TrafficSite): Promise<void> {
  await streams.ask('closeWatches', null);
  for (let turn = 0; turn < 100 && (await upstream.ask('countWatches', null)) > 0; turn++) await sleep(50);
}

/** A sidecar that is warm, but never had a watch. */
async function measureIdle(site: TrafficSite, count: number, seconds: number): Promise<Row> {
  const probed = await site.startProbed();
  try {
    for (const connections of [32, 256])
      await takeTurn(site, probed, { path: settingsPath, connections, seconds });
    await sleep(500);
    // The first report collects garbage, which the second no longer has in it.
    await probed.report();
    const before = await probed.report();
    await openWatches(site, probed, count);
    await sleep(1_000);
    await probed.report();
    const after = await probed.report();
    const each = (bytes: number): number => bytes / count / kilobyte;
    const rssKb = each(after.rss - before.rss);
    const heapKb = each(after.heapUsed - before.heapUsed);
    const externalKb = each(after.external - before.external);
    // Where RSS grows less, memory was used that had been free.
    const most = Math.max(rssKb, heapKb + externalKb);
    return {
      name: `memory of the sidecar for each of ${count} idle watches`,
      measured: `RSS ${rssKb.toFixed(1)} KB, heap ${heapKb.toFixed(1)} KB and buffers ${externalKb.toFixed(1)} KB after a collection`,
      goal: { text: `both less than ${memoryGoalKb} KB`, isMet: most < memoryGoalKb },
      values: { rssKb, heapKb, externalKb },
    };
  } finally {
    await closeWatches(site);
    await probed.stop();
  }
}
