import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../bootstrap/builds.ts';
import { listenForEnd } from '../bootstrap/listenForEnd.ts';
import { plans } from '../bootstrap/plans.mjs';
import { endGroups } from '../bootstrap/processGroups.mjs';
import { formatDuration, runSteps } from '../bootstrap/steps.mjs';
import { createTemporaryFolder } from '../parts/temporaryFolder.ts';
import { patches } from './allPatches.ts';
import { copyTree } from './copyTree.ts';
import type { Verdict } from './judgeRun.ts';
import { applyPatch, type Patch, workspaceOf } from './patch.ts';
import { runTests } from './runTests.ts';

/** Patches that are tried at a time, each in a copy of its own. */
const workers = 2;

interface Outcome {
  readonly patch: Patch;
  readonly verdict: Verdict;
}

/** `--only id`, several times for several. */
function choose(only: readonly string[]): readonly Patch[] {
  if (only.length === 0) return patches;
  const unknown = only.filter((id) => !patches.some((patch) => patch.id === id));
  if (unknown.length === 0) return patches.filter(({ id }) => only.includes(id));
  throw new Error(`--only ${unknown.join(', ')}: there are ${patches.map(({ id }) => id).join(', ')}`);
}

function createCopy(): string {
  const { path } = createTemporaryFolder('mutate-');
  copyTree(root, path);
  return path;
}

/** What is red without any patch would kill each of them. @throws Error that names it */
async function assertGreen(tree: string, chosen: readonly Patch[]): Promise<void> {
  const files = [...new Set(chosen.flatMap(({ tests }) => tests))].sort();
  for (const workspace of new Set(files.map(workspaceOf))) {
    const tests = files.filter((file) => workspaceOf(file) === workspace);
    process.stdout.write(`${workspace}: ${tests.length} test files, as they are …\n`);
    const verdict = await runTests({ tree, tests, vitestArgs: [`--maxWorkers=${workers}`] });
    if (verdict.kind === 'survived') continue;
    throw new Error(`not green before any patch: ${verdict.kind === 'killed' ? verdict.by : verdict.why}`);
  }
}

async function tryPatch(tree: string, patch: Patch): Promise<Verdict> {
  const path = join(tree, patch.file);
  const source = readFileSync(path, 'utf8');
  writeFileSync(path, applyPatch(source, patch));
  try {
    return await runTests({ tree, tests: patch.tests, vitestArgs: ['--bail=1', '--maxWorkers=1'] });
  } finally {
    writeFileSync(path, source);
  }
}

async function tryAll(trees: readonly string[], chosen: readonly Patch[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const waiting = [...chosen];
  const work = async (tree: string): Promise<void> => {
    for (let patch = waiting.shift(); patch; patch = waiting.shift()) {
      const startedAt = performance.now();
      const verdict = await tryPatch(tree, patch);
      outcomes.push({ patch, verdict });
      const count = `[${String(outcomes.length).padStart(String(chosen.length).length)}/${chosen.length}]`;
      const took = formatDuration(performance.now() - startedAt);
      process.stdout.write(
        `${count} ${patch.id} (${patch.rules.join(', ')}): ${describe(verdict)}, ${took}\n`,
      );
    }
  };
  await Promise.all(trees.map(work));
  return outcomes;
}

function describe(verdict: Verdict): string {
  switch (verdict.kind) {
    case 'killed':
      return `killed by “${verdict.by}”`;
    case 'survived':
      return 'SURVIVED';
    case 'unclear':
      return `UNCLEAR, ${verdict.why}`;
  }
}

function summarize(outcomes: readonly Outcome[]): string {
  const left = outcomes.filter(({ verdict }) => verdict.kind !== 'killed');
  for (const { patch, verdict } of left) {
    process.stdout.write(
      `\n${patch.id} (${patch.rules.join(', ')}): ${describe(verdict)}\n  ${patch.breaks}\n  ${patch.file}, ${patch.tests.join(', ')}\n`,
    );
  }
  if (left.length > 0) process.exitCode = 1;
  return `${outcomes.length - left.length} of ${outcomes.length} killed`;
}

async function run(): Promise<string> {
  const { values } = parseArgs({ options: { only: { type: 'string', multiple: true, default: [] } } });
  const chosen = choose(values.only);
  for (const patch of chosen) applyPatch(readFileSync(join(root, patch.file), 'utf8'), patch);
  const first = createCopy();
  await assertGreen(first, chosen);
  const others = Array.from({ length: Math.min(workers, chosen.length) - 1 }, createCopy);
  return summarize(await tryAll([first, ...others], chosen));
}

listenForEnd((exitCode) => {
  void endGroups().finally(() => process.exit(exitCode));
});
runSteps([{ title: 'Patches', run, printsItself: true }], {
  first: 2,
  total: plans.mutate.steps.length,
}).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
