import { setTimeout as sleep } from 'node:timers/promises';
import type { Row, SuiteOptions } from '../suite.ts';
import { createConfigPoller, waitForClusters } from './config.ts';
import { buildName } from './profiles.ts';
import type { BenchSite } from './site.ts';
import { findLongest } from './sizes.ts';
import { followEvents } from './events.ts';

interface Change {
  /** Milliseconds from before the patch was sent. */
  readonly patchedMs: number;
  readonly configMs: number;
  readonly eventMs: number;
}

const goals = { p50: 10, p99: 50 };

/** One profile after the other is patched; both ways in which a tab learns of it are looked at meanwhile. */
export async function measureChanges(
  site: BenchSite,
  count: number,
  { quick, tell }: SuiteOptions,
): Promise<Row[]> {
  const sidecar = await site.spawn();
  await waitForClusters(sidecar, count);
  const events = await followEvents(sidecar.url);
  const poller = createConfigPoller(sidecar);
  const changes: Change[] = [];
  const times = quick ? 100 : 500;
  await sidecar.report();
  for (let time = 0; time < times; time++) {
    // What no two changes have in common, and both answers show.
    const mark = `v1.33.${time}-${crypto.randomUUID()}`;
    const since = performance.now();
    const after = (): number => performance.now() - since;
    const patch = site.hub
      .patchStatus(buildName((time * 7) % count), { version: { kubernetes: mark } })
      .then(after);
    const event = events.waitFor(mark).then(after);
    for (let text = await poller.poll(); !text?.includes(mark); text = await poller.poll())
      sidecar.assertRunning();
    changes.push({ configMs: after(), patchedMs: await patch, eventMs: await event });
    if (time % 50 === 49) tell(`${time + 1} of ${times} changes`);
    await sleep(10);
  }
  events.close();
  const { stalls } = await sidecar.report();
  await sidecar.stop();
  const row = (where: string, of: (change: Change) => number): Row => {
    const sorted = changes.map(of).toSorted((left, right) => left - right);
    const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
    const [p50, p99] = [at(0.5), at(0.99)];
    return {
      name: `${count} profiles: from the patch of one being sent until it is ${where}`,
      measured: `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`,
      goal: {
        text: `under ${goals.p50} ms at p50 and ${goals.p99} ms at p99`,
        isMet: p50 < goals.p50 && p99 < goals.p99,
      },
      values: { p50, p99 },
    };
  };
  const { goal: _ofTheHub, ...answered } = row('answered by the hub', ({ patchedMs }) => patchedMs);
  const longest = findLongest(stalls);
  return [
    answered,
    row('in /config', ({ configMs }) => configMs),
    row('on the event stream', ({ eventMs }) => eventMs),
    {
      name: `longest stall of the event loop in ${times} changes of ${count} profiles`,
      measured: `${longest.wallMs.toFixed(0)} ms, of which the thread worked ${longest.cpuMs.toFixed(0)} ms`,
      values: { wall: longest.wallMs, cpu: longest.cpuMs },
    },
  ];
}
