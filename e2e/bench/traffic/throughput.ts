import type { Row, SuiteOptions } from '../suite.ts';
import { compare, runRounds, type Rounds } from './rounds.ts';
import type { TrafficSite } from './site.ts';
import { describeTargets, valuesOf } from './targetLines.ts';

export const settingsPath = '/api/v1/namespaces/shop/configmaps/settings';
const throughputGoal = 0.35;
const cpuGoal = 0.7;
const latencyGoalMs = 0.4;
const judgedConnections = 32;
const goName = 'Go ReverseProxy';

/** The same rounds say both: requests a second, and how long each took. */
export async function measureRequests(
  site: TrafficSite,
  wanted: { readonly throughput: boolean; readonly latency: boolean },
  { quick, tell }: SuiteOptions,
): Promise<Row[]> {
  const rows: Row[] = [];
  // What is compiled while it runs is so after some thousands of requests.
  const warming = { path: settingsPath, connections: judgedConnections, rounds: 1, seconds: quick ? 1 : 3 };
  await runRounds(site, { ...warming, tell });
  for (const connections of wanted.throughput ? [1, judgedConnections, 256] : [1, judgedConnections]) {
    const length = quick ? { rounds: 2, seconds: 0.4 } : { rounds: 5, seconds: 1.5 };
    const rounds = await runRounds(site, { path: settingsPath, connections, ...length, tell });
    if (wanted.throughput) rows.push(...describeThroughput(site, rounds, connections));
    if (wanted.latency && connections <= judgedConnections)
      rows.push(describeLatency(site, rounds, connections));
  }
  return rows;
}

function describeThroughput(site: TrafficSite, rounds: Rounds, connections: number): Row[] {
  const share = (name: string): number =>
    compare(rounds, [name, 'straight'], (one, straight) => one.perSecond / straight.perSecond);
  const perSecond = (name: string): number => compare(rounds, [name, name], (one) => one.perSecond);
  const cpu = (name: string): number => compare(rounds, [name, name], (one) => one.cpuMsEach);
  const loadCpu = (name: string): number => compare(rounds, [name, name], (one) => one.loadCpuMsEach);
  const isJudged = connections === judgedConnections;
  const row: Row = {
    name: `requests a second with ${connections} connections, against straight; CPU of the proxy for each`,
    measured: describeTargets(
      site,
      (name) => {
        const used = cpu(name);
        return `${percent(share(name)).padStart(5)}  ${perSecond(name).toFixed(0).padStart(6)}${Number.isNaN(used) ? '' : `  ${(used * 1000).toFixed(0).padStart(5)} µs`}`;
      },
      rounds.failures,
    ),
    values: valuesOf(site, { share, perSecond, cpuMs: cpu, loadCpuMs: loadCpu }),
    ...(isJudged && {
      goal: {
        text: `the sidecar at least ${percent(throughputGoal)} of straight`,
        isMet: share('sidecar') >= throughputGoal,
      },
    }),
  };
  if (!isJudged) return [row];
  const ratio = compare(rounds, ['sidecar', goName], (sidecar, go) => sidecar.cpuMsEach / go.cpuMsEach);
  if (Number.isNaN(ratio)) return [row];
  return [
    row,
    {
      name: `CPU for each request with ${connections} connections, the sidecar against ${goName}`,
      measured: `${percent(ratio)} (median of the rounds)`,
      goal: { text: `at most ${percent(cpuGoal)}`, isMet: ratio <= cpuGoal },
      values: { ratio },
    },
  ];
}

function describeLatency(site: TrafficSite, rounds: Rounds, connections: number): Row {
  const added = (of: 'p50' | 'p99' | 'p999') => (name: string) =>
    compare(rounds, [name, 'straight'], (one, straight) => one[of] - straight[of]);
  const own = (of: 'p50' | 'p99' | 'p999') => (name: string) =>
    compare(rounds, [name, name], (one) => one[of]);
  const ms = (value: number): string => value.toFixed(2).padStart(7);
  const p50 = added('p50')('sidecar');
  return {
    name: `milliseconds added to straight with ${connections} connection${connections === 1 ? '' : 's'}: p50, p99, p99.9`,
    measured: describeTargets(
      site,
      (name) => {
        const [sign, of] = name === 'straight' ? ['takes', own] : ['adds', added];
        return `${sign.padEnd(5)} ${ms(of('p50')(name))} ${ms(of('p99')(name))} ${ms(of('p999')(name))}`;
      },
      rounds.failures,
    ),
    values: valuesOf(site, {
      addedP50: added('p50'),
      addedP99: added('p99'),
      addedP999: added('p999'),
      p50: own('p50'),
      p99: own('p99'),
      p999: own('p999'),
    }),
    ...(connections === 1 && {
      goal: { text: `the sidecar adds less than ${latencyGoalMs} ms at p50`, isMet: p50 < latencyGoalMs },
    }),
  };
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}
