import type { Row, SuiteOptions } from '../suite.ts';
import { compare, runRounds } from './rounds.ts';
import type { TrafficSite } from './site.ts';
import { describeTargets, valuesOf } from './targetLines.ts';
import { percent } from './throughput.ts';

const bodyBytes = 5 * 1024 * 1024;
const connections = 4;
const goal = 0.5;
const megabyte = 1024 * 1024;

/** As a list of a large cluster: how fast much comes at once. */
export async function measureBodies(site: TrafficSite, { quick, tell }: SuiteOptions): Promise<Row[]> {
  const length = quick ? { rounds: 2, seconds: 0.4 } : { rounds: 5, seconds: 1.5 };
  const path = `/api/v1/pods?bytes=${bodyBytes}`;
  const rounds = await runRounds(site, { path, connections, ...length, tell });
  const share = (name: string): number =>
    compare(rounds, [name, 'straight'], (one, straight) => one.bytesPerSecond / straight.bytesPerSecond);
  const speed = (name: string): number =>
    compare(rounds, [name, name], (one) => one.bytesPerSecond / megabyte);
  const cpu = (name: string): number => compare(rounds, [name, name], (one) => one.cpuMsEach);
  return [
    {
      name: `bytes a second of 5 MB bodies with ${connections} connections, against straight; CPU of the proxy for each body`,
      measured: describeTargets(
        site,
        (name) => {
          const used = cpu(name);
          return `${percent(share(name)).padStart(5)}  ${speed(name).toFixed(0).padStart(5)} MB/s${Number.isNaN(used) ? '' : `  ${used.toFixed(1).padStart(5)} ms`}`;
        },
        rounds.failures,
      ),
      goal: {
        text: `the sidecar at least ${percent(goal)} of straight`,
        isMet: share('sidecar') >= goal,
      },
      values: valuesOf(site, { share, megabytesPerSecond: speed, cpuMs: cpu }),
    },
  ];
}
