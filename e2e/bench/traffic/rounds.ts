import { assertAllOk } from '../assertAllOk.ts';
import { median } from '../suite.ts';
import { buildRequests, type TrafficSite } from './site.ts';
import { describeError } from './targetLines.ts';
import type { Target } from './targets.ts';

/** What one target did in one turn. */
export interface Turn {
  readonly perSecond: number;
  readonly bytesPerSecond: number;
  /** Of the proxy alone. */
  readonly cpuMsEach: number;
  /** The same of the load generator. */
  readonly loadCpuMsEach: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

/** Every target once, by name. */
export type Round = ReadonlyMap<string, Turn>;

export interface RoundsOptions {
  /** Below the upstream's root. */
  readonly path: string;
  readonly connections: number;
  readonly rounds: number;
  /** Of each turn. */
  readonly seconds: number;
  readonly tell: (line: string) => void;
}

export interface Rounds {
  readonly rounds: readonly Round[];
  /** Those that failed, by name, and how; they have no turns. */
  readonly failures: ReadonlyMap<string, string>;
}

/** Each target in turn for a short time, again and again, every other time from the last to the first. */
export async function runRounds(site: TrafficSite, options: RoundsOptions): Promise<Rounds> {
  const { connections, rounds: count, seconds, tell } = options;
  const failures = new Map<string, string>();
  const rounds: Round[] = [];
  const visit = async (target: Target, length: number): Promise<Turn | undefined> => {
    if (failures.has(target.name)) return undefined;
    try {
      return await takeTurn(site, target, { ...options, seconds: length });
    } catch (error) {
      // Without either there is nothing to compare.
      if (target === site.sidecar || target === site.straight) throw error;
      failures.set(target.name, describeError(error));
      return undefined;
    }
  };
  for (const target of site.targets) await visit(target, Math.min(seconds, 1));
  for (let index = 0; index < count; index++) {
    const turns = new Map<string, Turn>();
    for (const target of index % 2 === 0 ? site.targets : site.targets.toReversed()) {
      const turn = await visit(target, seconds);
      if (turn) turns.set(target.name, turn);
    }
    rounds.push(turns);
    tell(`${connections} connections, round ${index + 1} of ${count}`);
  }
  return { rounds, failures };
}

export async function takeTurn(
  { load }: TrafficSite,
  target: Target,
  { path, connections, seconds }: Pick<RoundsOptions, 'path' | 'connections' | 'seconds'>,
): Promise<Turn> {
  // One each: no client is somebody else with its next request.
  const requests = buildRequests(target, path, connections);
  const result = await load.ask('saturate', {
    ...target.endpoint,
    ...(target.group === undefined ? {} : { group: target.group }),
    connections,
    seconds,
    requests,
  });
  assertAllOk(result);
  const count = result.statuses['200'] ?? 0;
  return {
    perSecond: count / result.seconds,
    bytesPerSecond: result.bytes / result.seconds,
    cpuMsEach: (result.askedCpuMs ?? Number.NaN) / count,
    loadCpuMsEach: result.cpuMs / count,
    p50: result.p50,
    p99: result.p99,
    p999: result.p999,
  };
}

/** The median of what each round says of two targets; NaN where one of them has no turn. */
export function compare(
  { rounds }: Rounds,
  [one, other]: readonly [string, string],
  say: (one: Turn, other: Turn) => number,
): number {
  return median(
    rounds.flatMap((round) => {
      const [mine, theirs] = [round.get(one), round.get(other)];
      return mine && theirs ? [say(mine, theirs)] : [];
    }),
  );
}
