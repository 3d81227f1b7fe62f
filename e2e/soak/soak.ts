import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../parts/until.ts';
import { pathOf } from './answers.ts';
import { findDifferences } from './compare.ts';
import { createFaults } from './faults.ts';
import { publishProfiles } from './profiles.ts';
import { createRandom } from './random.ts';
import { countPlugins, findSidecarPid, judgeSamples, takeSample, type Sample } from './samples.ts';
import { startScene, type Scene } from './scene.ts';
import { startTraffic } from './traffic.ts';
import { createViolations, type Violations } from './violations.ts';

export interface SoakOptions {
  readonly seed: number;
  readonly minutes: number;
  readonly tell: (line: string) => void;
}

export interface SoakResult {
  /** What must never happen and did; empty for a good run. */
  readonly violations: readonly string[];
  /** Of each quiet moment, the first before any fault. */
  readonly samples: readonly Sample[];
  readonly outcomes: Readonly<Record<string, number>>;
  readonly faults: number;
  readonly pluginRuns: number;
  readonly hubRequests: number;
}

/** Long rounds outlast the longest pause of a back-off, short ones come back to rest often. */
const faultsARound = { least: 20, most: 80 } as const;
/** The longest pause of a hub's or a plugin's back-off, and what follows it (DI-25, EX-28). */
const recoveryMs = 120_000;
/** A run that is ended has to be gone after the plugin's limit and its grace. */
const reapingMs = 20_000;
/** In the log, each of these is a fault of the sidecar's own. */
const ownFaults =
  /internal-error|a request failed|a fault here|unhandled|uncaught|MaxListenersExceeded|\n {4}at /i;

/** Rounds of faults, each followed by a quiet moment in which everything has to be right again. */
export async function runSoak({ seed, minutes, tell }: SoakOptions): Promise<SoakResult> {
  const violations = createViolations();
  const startedAt = performance.now();
  const scene = await startScene(violations);
  try {
    const { fleet, relay, sidecar } = scene;
    const random = createRandom(seed);
    const profiles = await publishProfiles(scene, random);
    const faults = createFaults(scene, random);
    const traffic = startTraffic({ ...sidecar, paths: profiles.names.map(pathOf), violations });
    const pid = findSidecarPid(sidecar.pid);
    const samples: Sample[] = [];
    const rest = async (): Promise<void> => {
      faults.heal();
      await expectQuiet(scene, () => findDifferences(scene, profiles), violations);
      for (const [name, { generation }] of profiles.published) scene.requireGeneration(name, generation);
      await traffic.pause();
      await expectNoPlugins(fleet.folder, violations);
      const sample = await takeSample(pid, scene, startedAt);
      samples.push(sample);
      tell(`${describeSample(sample)}, ${violations.count} violations`);
      traffic.resume();
    };
    await rest();
    let count = 0;
    // Every other round without the hub's: while its back-off grows long, little else reaches the sidecar.
    let isHubInvolved = true;
    const endsAt = startedAt + minutes * 60_000;
    do {
      const turns = random.between(faultsARound.least, faultsARound.most);
      for (let turn = 0; turn < turns; turn++, count++) {
        tell(random.next() < 0.4 ? await profiles.change() : faults.change(isHubInvolved));
        await sleep(random.between(50, 1200));
      }
      await rest();
      isHubInvolved = !isHubInvolved;
    } while (performance.now() < endsAt && violations.count === 0);
    const [, warm = samples[0]] = samples.slice(0, -1);
    const last = samples.at(-1);
    if (warm && last && samples.length > 2) judgeSamples(warm, last, violations);
    for (const overlap of fleet.overlaps()) violations.add(`a plugin ran twice at once for ${overlap}`);
    for (const line of findOwnFaults(sidecar.logFile)) violations.add(`the log says: ${line}`);
    return {
      violations: violations.describe(),
      samples,
      outcomes: Object.fromEntries([...traffic.outcomes].sort()),
      faults: count,
      pluginRuns: fleet.runs().length,
      hubRequests: relay.requests.length,
    };
  } finally {
    await scene.stop();
  }
}

async function expectQuiet(
  scene: Scene,
  find: () => Promise<readonly string[]>,
  violations: Violations,
): Promise<void> {
  let differences: readonly string[] = ['nothing was answered'];
  await until(
    async () => {
      differences = await find();
      return differences.length === 0;
    },
    { timeoutMs: recoveryMs, intervalMs: 250, message: 'all is as the hub says' },
  ).catch((error: unknown) => {
    violations.add(`after ${recoveryMs / 1000} s without faults: ${differences.join('; ') || String(error)}`);
  });
  const { status } = await fetch(`${scene.sidecar.adminUrl}/livez`).catch(() => ({ status: 0 }));
  if (status !== 200)
    throw new Error(`the sidecar is not alive:\n${readFileSync(scene.sidecar.logFile, 'utf8').slice(-2000)}`);
}

async function expectNoPlugins(folder: string, violations: Violations): Promise<void> {
  await until(() => countPlugins(folder) === 0, { timeoutMs: reapingMs, message: 'no plugin is left' }).catch(
    () => {
      violations.add(`${countPlugins(folder)} processes of plugins are left`);
    },
  );
}

function findOwnFaults(logFile: string): readonly string[] {
  const log = readFileSync(logFile, 'utf8');
  return log.split('\n').filter((line) => ownFaults.test(`\n${line}`));
}

export function describeSample({ seconds, heapMb, rssMb, descriptors, sockets, processes }: Sample): string {
  return `after ${seconds} s: heap ${heapMb} MB, RSS ${rssMb} MB, ${descriptors} descriptors, ${sockets} sockets, ${processes} plugins`;
}
