import { median, type Row, type SuiteOptions } from '../suite.ts';
import { buildRequests, type TrafficSite } from './site.ts';
import { describeError, describeTargets, valuesOf } from './targetLines.ts';

const execPath = '/api/v1/namespaces/shop/pods/web-0/exec?command=sh&stdin=true&stdout=true&tty=true';

interface Session {
  readonly upgradeMs: number;
  readonly p50: number;
}

/** As in a terminal: a key, and its echo. */
export async function measureExec(site: TrafficSite, { quick, tell }: SuiteOptions): Promise<Row[]> {
  const rounds = quick ? 3 : 9;
  const times = quick ? 200 : 1_000;
  const sessions = new Map<string, Session[]>();
  const failures = new Map<string, string>();
  for (let round = -1; round < rounds; round++) {
    for (const target of site.targets) {
      if (failures.has(target.name)) continue;
      // A browser would send where the page is from.
      const request = buildRequests(target, execPath).find(({ carrier }) => carrier === 'bearer');
      if (!request) continue;
      try {
        const session = await site.streams.ask('exec', { ...target.endpoint, request, times });
        // The first is to get warm.
        if (round >= 0) sessions.set(target.name, [...(sessions.get(target.name) ?? []), session]);
      } catch (error) {
        if (target === site.sidecar || target === site.straight) throw error;
        failures.set(target.name, describeError(error));
      }
    }
    tell(`round ${round + 1} of ${rounds}`);
  }
  const of = (figure: keyof Session) => (name: string) =>
    median((sessions.get(name) ?? []).map((each) => each[figure]));
  return [
    {
      name: 'exec over a WebSocket: milliseconds until it is open, and for a small frame and its answer, p50',
      measured: describeTargets(
        site,
        (name) =>
          `${of('upgradeMs')(name).toFixed(2).padStart(6)}  ${of('p50')(name).toFixed(3).padStart(6)}`,
        failures,
      ),
      values: valuesOf(site, { upgradeMs: of('upgradeMs'), p50: of('p50') }),
    },
  ];
}
