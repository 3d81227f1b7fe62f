import { setTimeout as sleep } from 'node:timers/promises';
import type { ProbeReport, Stall } from '../processes/probe.mjs';
import type { Row, SuiteOptions } from '../suite.ts';
import { createConfigPoller, waitForClusters } from './config.ts';
import { measureProfileBytes } from './profiles.ts';
import type { BenchSite } from './site.ts';

export interface Sample {
  readonly startMs: number;
  readonly report: ProbeReport;
  /** Since the sidecar listens. */
  readonly longest: Stall;
}

const none: Stall = { atMs: 0, wallMs: 0, cpuMs: 0 };

/** The longest stall by the thread's own time: what other processes took of the cores is not the sidecar's. */
export function findLongest(stalls: readonly Stall[]): Stall {
  return stalls.reduce((longest, each) => (each.cpuMs > longest.cpuMs ? each : longest), none);
}

/** Sidecars started one after the other on a hub with so many profiles. */
export async function measureSize(
  site: BenchSite,
  count: number,
  { quick, tell }: SuiteOptions,
): Promise<Sample[]> {
  const samples: Sample[] = [];
  const runs = quick ? 2 : 5;
  for (let run = 0; run < runs; run++) {
    const sidecar = await site.spawn();
    const startMs = await waitForClusters(sidecar, count);
    // As it is in use: each tab asks from time to time.
    for (let time = 0; time < 3; time++) {
      await createConfigPoller(sidecar).poll();
      await sleep(300);
    }
    const report = await sidecar.report();
    await sidecar.stop();
    const { listeningAtMs = 0 } = report;
    samples.push({
      startMs,
      report,
      longest: findLongest(report.stalls.filter(({ atMs }) => atMs > listeningAtMs)),
    });
    tell(`${count} profiles, run ${run + 1} of ${runs}: ${startMs.toFixed(0)} ms`);
  }
  return samples;
}

const goals = { startMs: 1_500, rssMb: 160, stallMs: 50, heapBytes: 4_096 };
const megabyte = 1024 * 1024;

/** From what was seen at each size; the quietest run of each, since other work on the machine only adds. */
export async function describeSizes(
  site: BenchSite,
  bySize: ReadonlyMap<number, readonly Sample[]>,
): Promise<Row[]> {
  const least = (count: number, of: (sample: Sample) => number): number =>
    Math.min(...(bySize.get(count) ?? []).map(of));
  const sizes = [...bySize.keys()];
  const each = (of: (sample: Sample) => number, digits = 0): string =>
    sizes.map((count) => least(count, of).toFixed(digits)).join(', ');
  const most = Math.max(...sizes);
  const startMs = least(most, (sample) => sample.startMs);
  const rss = least(most, ({ report }) => report.rss) / megabyte;
  const stall = {
    wall: least(most, ({ longest }) => longest.wallMs),
    cpu: least(most, ({ longest }) => longest.cpuMs),
  };
  const json = await measureProfileBytes(site.hub);
  const heap = (count: number): number => least(count, ({ report }) => report.heapUsed + report.external);
  const beyond = (heap(most) - heap(0)) / most - json;
  const list = sizes.join(', ');
  return [
    {
      name: `from the start of the process until ${list} profiles are in /config`,
      measured: `${each((sample) => sample.startMs / 1000, 2)} s`,
      goal: { text: `${most} within ${goals.startMs / 1000} s`, isMet: startMs <= goals.startMs },
      values: Object.fromEntries(
        sizes.map((count) => [`ms${count}`, least(count, (sample) => sample.startMs)]),
      ),
    },
    {
      name: `RSS with ${list} profiles, as it is`,
      measured: `${each(({ report }) => report.rss / megabyte)} MB; the highest until then ${each(({ report }) => (report.peakRss ?? 0) / megabyte)} MB`,
      goal: { text: `at most ${goals.rssMb} MB with ${most}`, isMet: rss <= goals.rssMb },
      values: Object.fromEntries(
        sizes.map((count) => [`mb${count}`, least(count, ({ report }) => report.rss / megabyte)]),
      ),
    },
    {
      name: `heap and buffers with ${list} profiles, after a collection`,
      measured: `${sizes.map((count) => (heap(count) / megabyte).toFixed(1)).join(', ')} MB: ${((beyond + json) / 1024).toFixed(2)} KB a profile, whose JSON has ${(json / 1024).toFixed(2)} KB`,
      goal: { text: 'at most 4 KB a profile beyond its JSON', isMet: beyond <= goals.heapBytes },
      values: {
        json,
        beyond,
        ...Object.fromEntries(sizes.map((count) => [`mb${count}`, heap(count) / megabyte])),
      },
    },
    {
      name: `longest stall of the event loop once it listens, ${most} profiles being listed and asked for`,
      measured: `${stall.wall.toFixed(0)} ms, of which the thread worked ${stall.cpu.toFixed(0)} ms`,
      goal: { text: `none above ${goals.stallMs} ms`, isMet: stall.wall <= goals.stallMs },
      values: stall,
    },
  ];
}
