import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { listenForEnd } from '../bootstrap/listenForEnd.ts';
import { endGroups } from '../bootstrap/processGroups.mjs';
import { discovery } from './discovery/discovery.ts';
import { identity } from './identity/identity.ts';
import type { Row, Suite } from './suite.ts';
import { traffic } from './traffic/traffic.ts';

const suites: ReadonlyMap<string, Suite> = new Map([
  ['identity', identity],
  ['discovery', discovery],
  ['traffic', traffic],
]);
const reportsFolder = join(import.meta.dirname, '..', '..', 'reports');

interface Wanted {
  readonly name: string;
  readonly suite: Suite;
  readonly parts: readonly string[];
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      'cpu-prof': { type: 'string' },
    },
  });
  const { quick, only, 'cpu-prof': cpuProfile } = values;
  const profiling = cpuProfile === undefined ? {} : { cpuProfileFolder: resolve(cpuProfile) };
  for (const { name, suite, parts } of choose(only)) {
    const startedAt = performance.now();
    const tell = (line: string): void => {
      if (process.stderr.isTTY) process.stderr.write(`${name} ${line}\n`);
    };
    const rows = await suite.run(parts, { quick, tell, ...profiling });
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    print(name, rows, seconds);
    const machine = { cores: availableParallelism(), node: process.version, platform: process.platform };
    mkdirSync(reportsFolder, { recursive: true });
    writeFileSync(
      join(reportsFolder, `bench-${name}.json`),
      `${JSON.stringify({ suite: name, quick, parts, seconds, machine, rows }, undefined, 2)}\n`,
    );
  }
}

/** `--only suite` or `--only suite/part`. */
function choose(only: string | undefined): Wanted[] {
  const all = [...suites].map(([name, suite]) => ({ name, suite, parts: suite.parts }));
  if (only === undefined) return all;
  const [wantedSuite, wantedPart] = only.split('/');
  const chosen = all
    .filter(({ name }) => name === wantedSuite)
    .map((each) => ({
      ...each,
      parts: each.parts.filter((part) => wantedPart === undefined || part === wantedPart),
    }))
    .filter(({ parts }) => parts.length > 0);
  if (chosen.length > 0) return chosen;
  const names = all.flatMap(({ name, parts }) => [name, ...parts.map((part) => `${name}/${part}`)]);
  throw new Error(`--only ${only}: there are ${names.join(', ')}`);
}

function print(name: string, rows: readonly Row[], seconds: number): void {
  process.stdout.write(`\n${name}, ${seconds} s, ${availableParallelism()} cores, Node ${process.version}\n`);
  for (const { name: what, measured, goal } of rows) {
    const judged = goal ? `\n    goal: ${goal.text} – ${goal.isMet ? 'met' : 'MISSED'}` : '';
    process.stdout.write(`\n  ${what}\n    ${measured}${judged}\n`);
  }
}

listenForEnd((exitCode) => {
  void endGroups().finally(() => process.exit(exitCode));
});
main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
