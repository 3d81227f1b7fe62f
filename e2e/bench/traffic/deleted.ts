import { setTimeout as sleep } from 'node:timers/promises';
import { countSocketsTo } from '../processGroup.ts';
import type { Row, SuiteOptions } from '../suite.ts';
import { takeTurn } from './rounds.ts';
import { buildRequests, type TrafficSite } from './site.ts';
import { settingsPath } from './throughput.ts';
import { closeWatches, watchPath } from './watches.ts';

const idle = 32;
const active = 100;
const lookEveryMs = 5;
const giveUpMs = 20_000;
const goalMs = 1_000;

/** Each cluster in turn: kept connections and watches, then its profile is deleted. */
export async function measureDeleted(site: TrafficSite, { quick, tell }: SuiteOptions): Promise<Row[]> {
  const { hub, sidecar, streams, doomed } = site;
  const count = (): number =>
    sidecar.group === undefined ? Number.NaN : countSocketsTo(sidecar.group, doomed.port);
  const goneAfter: number[] = [];
  let held = Number.NaN;
  for (const name of doomed.names.slice(0, quick ? 2 : doomed.names.length)) {
    const cluster = { ...sidecar, prefixes: [`/clusters/${name}`] };
    await takeTurn(site, cluster, { path: settingsPath, connections: idle, seconds: 0.5 });
    const requests = buildRequests(cluster, watchPath);
    await streams.ask('openWatches', { ...cluster.endpoint, count: active, requests });
    await takeTurn(site, cluster, { path: settingsPath, connections: idle, seconds: 0.5 });
    held = count();
    // Watches take connections that are kept; those of the requests are others then.
    if (!(held >= active + idle)) throw new Error(`only ${held} sockets are open to ${name}`);
    const profile = /doomed-\d+/.exec(name)?.[0] ?? '';
    const since = performance.now();
    await hub.ask('deleteProfile', { namespace: 'fleet', name: profile });
    while (count() > 0 && performance.now() - since < giveUpMs) await sleep(lookEveryMs);
    goneAfter.push(performance.now() - since);
    tell(`${name}: ${goneAfter.at(-1)?.toFixed(0)} ms`);
    await closeWatches(site);
  }
  const longest = Math.max(...goneAfter);
  return [
    {
      name: `from the hub telling that a cluster is deleted until none of its ${held} descriptors is left, ${active} of them in watches`,
      measured: `${longest.toFixed(0)} ms, the longest of ${goneAfter.length}`,
      goal: { text: 'within 1 s', isMet: longest <= goalMs },
      values: { longestMs: longest, descriptors: held },
    },
  ];
}
