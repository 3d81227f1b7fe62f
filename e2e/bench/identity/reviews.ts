import type { ClientRequest } from '../client.ts';
import type { LoadResult } from '../processes/load.ts';
import type { ReviewCounts } from '../processes/hub.ts';
import { median, type Row, type SuiteOptions } from '../suite.ts';
import { buildToken } from '../tokens.ts';
import { assertAllOk } from '../assertAllOk.ts';
import { type BenchFleet, profileCount, viewer } from './fleet.ts';

/** Of the hub's answers about tokens and traffic. */
const rememberedSeconds = 10;

/** 50 requests a second of one user, in every second stretch with a thousand junk tokens beside. */
export async function measureOneUser(fleet: BenchFleet, { quick, tell }: SuiteOptions): Promise<Row[]> {
  const stretches = quick ? 2 : 6;
  const seconds = quick ? 6 : 10;
  const junkTokens = 1_000;
  const { hub, load, noise, guarded, clusterPaths } = fleet;
  const [path = ''] = clusterPaths;
  const { port } = guarded;
  const requests: ClientRequest[] = [{ path, token: buildToken('steady'), carrier: 'cookie' }];
  const quiet: LoadResult[] = [];
  const beside: LoadResult[] = [];
  const total = { tokens: 0, access: 0, rules: 0, junk: 0 };
  await hub.ask('takeCounts', null);
  const startedAt = performance.now();
  for (let stretch = 0; stretch < stretches; stretch++) {
    const isNoisy = stretch % 2 === 1;
    const paced = load.ask('pace', { port, perSecond: 50, seconds, requests });
    if (isNoisy) {
      const junk = buildJunk(path, `junk-${stretch}`, junkTokens);
      const { statuses } = await noise.ask('pace', {
        port,
        perSecond: (2 * junkTokens) / seconds,
        seconds,
        requests: junk,
      });
      if (statuses['401'] !== 2 * junkTokens)
        throw new Error(`junk was answered ${JSON.stringify(statuses)}`);
    }
    const result = await paced;
    assertAllOk(result);
    (isNoisy ? beside : quiet).push(result);
    const counts: ReviewCounts = await hub.ask('takeCounts', null);
    const junk = isNoisy ? Math.min(counts.tokens, junkTokens) : 0;
    total.tokens += counts.tokens - junk;
    total.access += counts.access;
    total.rules += counts.rules;
    total.junk += junk;
    tell(`stretch ${stretch + 1} of ${stretches}`);
  }
  const elapsed = (performance.now() - startedAt) / 1000;
  const most = 1 + Math.floor(elapsed / rememberedSeconds);
  const of = (results: readonly LoadResult[], which: 'p50' | 'p99'): number =>
    median(results.map((each) => each[which]));
  const moved = of(beside, 'p50') - of(quiet, 'p50');
  return [
    {
      name: `50 requests a second of one user for ${elapsed.toFixed(0)} s: TokenReviews, SubjectAccessReviews, SelfSubjectRulesReviews`,
      measured: `${total.tokens}, ${total.access}, ${total.rules}`,
      goal: {
        text: `at most one of each kind every 10 s: ${most}`,
        isMet: Math.max(total.tokens, total.access, total.rules) <= most,
      },
      values: { ...total, seconds: elapsed, most },
    },
    {
      name: `that user’s latency with ${junkTokens} junk tokens beside, each twice in ${seconds} s, against without`,
      measured: `median ${ms(of(beside, 'p50'))} against ${ms(of(quiet, 'p50'))}, 99th percentile ${ms(of(beside, 'p99'))} against ${ms(of(quiet, 'p99'))}`,
      goal: { text: 'unmoved: the median by less than 1 ms', isMet: moved < 1 },
      values: {
        besideP50: of(beside, 'p50'),
        quietP50: of(quiet, 'p50'),
        besideP99: of(beside, 'p99'),
        quietP99: of(quiet, 'p99'),
      },
    },
    {
      name: `TokenReviews for ${beside.length} times ${junkTokens} junk tokens, each sent twice`,
      measured: String(total.junk),
      goal: { text: 'at most one a token', isMet: total.junk <= beside.length * junkTokens },
      values: { reviews: total.junk },
    },
  ];
}

/** Each token twice, some time apart. */
function buildJunk(path: string, prefix: string, count: number): ClientRequest[] {
  const once = Array.from({ length: count }, (_, index): ClientRequest => {
    return { path, token: `${prefix}-${index}`, carrier: 'bearer' };
  });
  return [...once, ...once];
}

/** Each user opens 20 clusters at once, twice. */
export async function measureManyUsers(fleet: BenchFleet, { quick }: SuiteOptions): Promise<Row[]> {
  const users = quick ? 150 : 1_000;
  const { hub, load, guarded, clusterPaths } = fleet;
  await hub.ask('takeCounts', null);
  const result = await load.ask('visit', {
    port: guarded.port,
    tokens: Array.from({ length: users }, (_, index) => buildToken(`one-of-many-${index}`)),
    paths: clusterPaths,
    times: 2,
    usersAtOnce: 4,
  });
  assertAllOk(result);
  const counts: ReviewCounts = await hub.ask('takeCounts', null);
  const decisions = users * clusterPaths.length;
  return [
    {
      name: `${users} users with ${clusterPaths.length} clusters each, each asked twice: TokenReviews, SubjectAccessReviews`,
      measured: `${counts.tokens}, ${counts.access} in ${result.seconds.toFixed(0)} s; latency ${ms(result.p50)}`,
      goal: {
        text: `one a user, one a user and cluster: ${users}, ${decisions}`,
        isMet: counts.tokens <= users && counts.access <= decisions && counts.rules === 0,
      },
      values: { ...counts, seconds: result.seconds, p50: result.p50, p99: result.p99 },
    },
  ];
}

/** The lists of somebody who may list ten namespaces, of eleven that there are. */
export async function measureViewer({ hub, guarded }: BenchFleet, _options: SuiteOptions): Promise<Row[]> {
  const headers = { authorization: `Bearer ${buildToken(viewer.name)}` };
  const list = async (path: string): Promise<{ readonly count: number; readonly ms: number }> => {
    const since = performance.now();
    const response = await fetch(`${guarded.url}${path}`, { headers });
    const { clusters } = (await response.json()) as { readonly clusters: readonly object[] };
    return { count: clusters.length, ms: performance.now() - since };
  };
  await hub.ask('takeCounts', null);
  const first = await list('/cluster-inventory/v1/clusters');
  const config = await list('/config');
  const counts: ReviewCounts = await hub.ask('takeCounts', null);
  const again: number[] = [];
  for (let time = 0; time < 7; time++) again.push((await list('/cluster-inventory/v1/clusters')).ms);
  const later: ReviewCounts = await hub.ask('takeCounts', null);
  if (first.count !== profileCount || config.count !== profileCount + 1)
    throw new Error(`the viewer sees ${first.count} clusters, and ${config.count} in /config`);
  const access = 1 + viewer.namespaces.length + 1;
  return [
    {
      name: `a user who sees ${profileCount} profiles through ${viewer.namespaces.length} namespaces of ${viewer.namespaces.length + 1}: TokenReviews, SubjectAccessReviews, SelfSubjectRulesReviews`,
      measured: `${counts.tokens}, ${counts.access}, ${counts.rules}`,
      goal: {
        text: `1, 1 + one a namespace, one for a namespace that is not seen: 1, ${access}, 1`,
        isMet: counts.tokens <= 1 && counts.access <= access && counts.rules <= 1,
      },
      values: { ...counts },
    },
    {
      name: 'the same user asks seven times more: reviews',
      measured: `${later.tokens + later.access + later.rules}; the list took ${ms(first.ms)} at first, then ${ms(median(again))}`,
      goal: { text: 'none', isMet: later.tokens + later.access + later.rules === 0 },
      values: { ...later, firstMs: first.ms, againMs: median(again) },
    },
  ];
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`;
}
