import { setTimeout as sleep } from 'node:timers/promises';
import { readRssBytes } from '../processGroup.ts';
import type { Row, SuiteOptions } from '../suite.ts';
import { takeTurn } from './rounds.ts';
import { buildRequests, type TrafficSite } from './site.ts';
import type { Target } from './targets.ts';
import { describeError, describeTargets, valuesOf } from './targetLines.ts';
import { settingsPath } from './throughput.ts';

const lookEveryMs = 100;
const loadGoalMb = 150;
/** A sixteenth of what is sent: whoever held the answer would hold all of it. */
const flatGoalMb = 64;
const megabyte = 1024 * 1024;

export async function measureMemory(site: TrafficSite, { quick, tell }: SuiteOptions): Promise<Row[]> {
  const proxies = site.targets.filter(({ group }) => group !== undefined);
  const underLoad = new Map<string, number>();
  const failures = new Map<string, string>();
  for (const target of proxies) {
    const watching = watchRss(target);
    try {
      for (const connections of [32, 256])
        await takeTurn(site, target, { path: settingsPath, connections, seconds: quick ? 0.5 : 4 });
    } catch (error) {
      if (target === site.sidecar) throw error;
      failures.set(target.name, describeError(error));
    }
    underLoad.set(target.name, watching.stop());
    tell(`under load: ${target.name}`);
  }
  const most = (name: string): number => underLoad.get(name) ?? Number.NaN;
  return [
    {
      name: 'highest RSS under load, 32 and then 256 connections',
      measured: describeTargets(
        site,
        (name) => (underLoad.has(name) ? `${most(name).toFixed(0).padStart(4)} MB` : undefined),
        failures,
      ),
      goal: { text: `the sidecar less than ${loadGoalMb} MB`, isMet: most('sidecar') < loadGoalMb },
      values: valuesOf(site, { mb: most }),
    },
    await measureSlowReader(site, quick ? [256 * megabyte, 2_000] : [1024 * megabyte, 5_000]),
  ];
}

/** Nothing is read for a while, then all that is left as fast as it comes. */
async function measureSlowReader(
  site: TrafficSite,
  [bytes, pauseMs]: readonly [number, number],
): Promise<Row> {
  const { sidecar, streams } = site;
  const [request] = buildRequests(sidecar, `/api/v1/namespaces/shop/pods/web-0/log?bytes=${bytes}`);
  if (!request) throw new Error('no request');
  // What reading as much without a pause leaves behind is not the reader's.
  await streams.ask('readSlowly', { ...sidecar.endpoint, request, pauseMs: 0 });
  await sleep(1_000);
  const before = readMb(sidecar);
  const pause = watchRss(sidecar);
  const whole = watchRss(sidecar);
  const reading = streams.ask('readSlowly', { ...sidecar.endpoint, request, pauseMs });
  await sleep(pauseMs);
  const paused = pause.stop();
  const { seconds } = await reading;
  const highest = whole.stop();
  const grown = highest - before;
  return {
    name: `RSS of the sidecar while ${bytes / megabyte} MB go to a reader who stops for ${pauseMs / 1000} s and then reads all`,
    measured: `${before.toFixed(0)} MB before, at most ${paused.toFixed(0)} MB while nothing is read and ${highest.toFixed(0)} MB in all (${seconds.toFixed(1)} s)`,
    goal: { text: `flat: less than ${flatGoalMb} MB more`, isMet: grown < flatGoalMb },
    values: { beforeMb: before, pausedMb: paused, highestMb: highest, seconds },
  };
}

function readMb({ group }: Target): number {
  return ((group === undefined ? undefined : readRssBytes(group)) ?? Number.NaN) / megabyte;
}

/** The highest that was seen, in MB. */
function watchRss(target: Target): { stop(): number } {
  let highest = readMb(target);
  const look = (): void => {
    highest = Math.max(highest, readMb(target));
  };
  const timer = setInterval(look, lookEveryMs);
  return {
    stop() {
      clearInterval(timer);
      look();
      return highest;
    },
  };
}
