import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { listenForEnd } from '../bootstrap/listenForEnd.ts';
import { endGroups } from '../bootstrap/processGroups.mjs';
import { describeSample, runSoak, type SoakResult } from './soak.ts';

const reportsFolder = join(import.meta.dirname, '..', '..', 'reports');

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { minutes: { type: 'string', default: '60' }, seed: { type: 'string' } },
  });
  const minutes = readNumber('minutes', values.minutes);
  const seed = readNumber('seed', values.seed ?? String(Math.floor(Math.random() * 2 ** 31)));
  print(`soak of ${minutes} minutes, --seed ${seed}`);
  const startedAt = performance.now();
  const tell = (line: string): void => {
    print(`${new Date().toISOString().slice(11, 19)} ${line}`);
  };
  const result = await runSoak({ seed, minutes, tell });
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  report(result, seed, seconds);
  mkdirSync(reportsFolder, { recursive: true });
  writeFileSync(
    join(reportsFolder, 'soak.json'),
    `${JSON.stringify({ seed, minutes, seconds, node: process.version, ...result }, undefined, 2)}\n`,
  );
  // What still asks in the background is not waited for.
  process.exit(result.violations.length === 0 ? 0 : 1);
}

function readNumber(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} ${text}: not a number above 0`);
  return value;
}

function report(
  { violations, samples, outcomes, faults, pluginRuns, hubRequests }: SoakResult,
  seed: number,
  seconds: number,
): void {
  print(
    `\n${seconds} s, ${faults} faults, ${pluginRuns} runs of plugins, ${hubRequests} requests to the hub`,
  );
  for (const [outcome, times] of Object.entries(outcomes)) print(`  ${times} × ${outcome}`);
  for (const sample of samples) print(`  ${describeSample(sample)}`);
  if (violations.length === 0) print('every invariant held');
  else print(`BROKEN (again with --seed ${seed}):\n${violations.map((each) => `  ${each}`).join('\n')}`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

listenForEnd((exitCode) => {
  void endGroups().finally(() => process.exit(exitCode));
});
main().catch((error: unknown) => {
  print(error instanceof Error ? (error.stack ?? error.message) : String(error));
  void endGroups().finally(() => process.exit(1));
});
