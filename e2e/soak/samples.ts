import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { until } from '../parts/until.ts';
import type { Scene } from './scene.ts';
import type { Violations } from './violations.ts';

/** What the sidecar holds while nothing is asked of it. */
export interface Sample {
  /** Since the start. */
  readonly seconds: number;
  /** After garbage collection. */
  readonly heapMb: number;
  readonly rssMb: number;
  readonly descriptors: number;
  readonly sockets: number;
  /** Of plugins, with what they left behind. */
  readonly processes: number;
}

/** What a later sample may have above an earlier one: caches that fill, pools that are kept for half a minute. */
const allowance = { heapFactor: 1.25, heapMb: 8, rssFactor: 1.5, rssMb: 60, descriptors: 30 } as const;

/** The sidecar itself: its process group is led by a shell. */
export function findSidecarPid(group: number): number {
  const pid = listPids().find(
    (each) =>
      readStat(each)[2] === String(group) && readProc(each, 'cmdline').startsWith(`${process.execPath}\0`),
  );
  if (pid === undefined) throw new Error('the process of the sidecar is not there');
  return pid;
}

export async function takeSample(
  pid: number,
  { fleet, observedFile }: Pick<Scene, 'fleet' | 'observedFile'>,
  startedAt: number,
): Promise<Sample> {
  const lines = (): readonly string[] =>
    existsSync(observedFile) ? readFileSync(observedFile, 'utf8').split('\n').slice(0, -1) : [];
  const before = lines().length;
  process.kill(pid, 'SIGUSR2');
  await until(() => lines().length > before, {
    timeoutMs: 20_000,
    message: 'the sidecar says what it holds',
  });
  const { heapUsed, rss } = JSON.parse(lines().at(-1) ?? '') as { heapUsed: number; rss: number };
  const descriptors = readdirSync(`/proc/${pid}/fd`);
  const toMb = (bytes: number): number => Math.round((bytes / 1024 / 1024) * 10) / 10;
  return {
    seconds: Math.round((performance.now() - startedAt) / 1000),
    heapMb: toMb(heapUsed),
    rssMb: toMb(rss),
    descriptors: descriptors.length,
    sockets: descriptors.filter((each) => readDescriptor(pid, each).startsWith('socket:')).length,
    processes: countPlugins(fleet.folder),
  };
}

/** Processes that were started with the fixture plugin's environment: the plugin, and what it left. */
export function countPlugins(folder: string): number {
  return listPids().filter(
    (pid) =>
      readProc(pid, 'environ').includes(`PLUGIN_RUNS=${folder}`) && !/^[ZX]/.test(readStat(pid)[0] ?? 'Z'),
  ).length;
}

/** Compares the last sample with the one after the warm-up. */
export function judgeSamples(warm: Sample, last: Sample, violations: Violations): void {
  const limits = {
    heapMb: warm.heapMb * allowance.heapFactor + allowance.heapMb,
    rssMb: warm.rssMb * allowance.rssFactor + allowance.rssMb,
    descriptors: warm.descriptors + allowance.descriptors,
    sockets: warm.sockets + allowance.descriptors,
  };
  for (const [name, limit] of Object.entries(limits) as [keyof typeof limits, number][])
    if (last[name] > limit)
      violations.add(`${name} went from ${warm[name]} to ${last[name]}, above ${Math.round(limit)}`);
}

function listPids(): number[] {
  return readdirSync('/proc').map(Number).filter(Number.isInteger);
}

function readProc(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}

function readDescriptor(pid: number, descriptor: string): string {
  try {
    return readlinkSync(`/proc/${pid}/fd/${descriptor}`);
  } catch {
    return '';
  }
}

/** The fields behind the command's name: state, parent, group, … */
function readStat(pid: number): string[] {
  const text = readProc(pid, 'stat');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}
