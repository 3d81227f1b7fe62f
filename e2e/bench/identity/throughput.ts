import type { ClientRequest } from '../client.ts';
import { median, type Row, type SuiteOptions } from '../suite.ts';
import { buildToken } from '../tokens.ts';
import { assertAllOk } from '../assertAllOk.ts';
import type { BenchFleet } from './fleet.ts';

const connections = 32;
const users = 16;
const clusters = 4;
const goal = 0.85;

interface Round {
  readonly perSecond: number;
  /** Of the sidecar alone. */
  readonly cpuMsEach: number | undefined;
}

/** What knowing who, what and as whom costs: the same requests to both sidecars in turn, who begins changes. */
export async function measureThroughput(fleet: BenchFleet, { quick, tell }: SuiteOptions): Promise<Row[]> {
  const pairs = quick ? 6 : 14;
  const seconds = quick ? 1.2 : 2;
  const requests = Array.from({ length: connections }, (_, index): ClientRequest => {
    const path = fleet.clusterPaths[index % clusters] ?? '';
    return {
      path,
      token: buildToken(`busy-${index % users}`),
      carrier: index % 3 === 0 ? 'bearer' : 'cookie',
    };
  });
  const run = async (which: 'open' | 'guarded', length = seconds): Promise<Round> => {
    const { port, pid } = fleet[which];
    const asked = { port, group: pid, connections, seconds: length, requests };
    const result = await fleet.load.ask('saturate', asked);
    assertAllOk(result);
    const count = result.statuses['200'] ?? 0;
    return {
      perSecond: count / result.seconds,
      cpuMsEach: result.askedCpuMs === undefined ? undefined : result.askedCpuMs / count,
    };
  };
  for (const which of ['open', 'guarded', 'open', 'guarded'] as const) await run(which, quick ? 1 : 2);
  const rounds: { open: Round; guarded: Round }[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    if (pair % 2 === 0) {
      const open = await run('open');
      rounds.push({ open, guarded: await run('guarded') });
    } else {
      const guarded = await run('guarded');
      rounds.push({ open: await run('open'), guarded });
    }
    tell(`pair ${pair + 1} of ${pairs}`);
  }
  const ratios = rounds.map(({ open, guarded }) => guarded.perSecond / open.perSecond);
  const ratio = median(ratios);
  const [low, high] = [Math.min(...ratios), Math.max(...ratios)];
  const perSecond = (which: 'open' | 'guarded'): number =>
    median(rounds.map((round) => round[which].perSecond));
  const cpu = (which: 'open' | 'guarded'): number =>
    median(rounds.map((round) => round[which].cpuMsEach ?? Number.NaN));
  const cpuRatio = cpu('open') / cpu('guarded');
  return [
    {
      name: 'requests a second, --auth=hub against --auth=none',
      measured: `${percent(ratio)} (${percent(low)} to ${percent(high)}; ${perSecond('guarded').toFixed(0)} against ${perSecond('open').toFixed(0)})`,
      goal: { text: `at least ${percent(goal)}`, isMet: ratio >= goal },
      values: { ratio, low, high, guarded: perSecond('guarded'), open: perSecond('open'), pairs },
    },
    ...(Number.isNaN(cpuRatio)
      ? []
      : [
          {
            name: 'requests for one second of CPU of the sidecar, likewise',
            measured: `${percent(cpuRatio)} (${(1000 / cpu('guarded')).toFixed(0)} against ${(1000 / cpu('open')).toFixed(0)})`,
            values: { ratio: cpuRatio, guarded: 1000 / cpu('guarded'), open: 1000 / cpu('open') },
          },
        ]),
  ];
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}
