import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { signalGroup, spawnGroup } from '../bootstrap/processGroups.mjs';
import { judgeRun, type RunReport, type Verdict } from './judgeRun.ts';
import { workspaceOf } from './patch.ts';

/** Far longer than any of the test files takes. */
const limitMs = 240_000;

export interface TestRun {
  /** A copy of the repository. */
  readonly tree: string;
  /** Test files of one workspace, from the tree. */
  readonly tests: readonly string[];
  readonly vitestArgs: readonly string[];
}

/** Runs test files to their end, or to their limit. */
export async function runTests({ tree, tests, vitestArgs }: TestRun): Promise<Verdict> {
  const workspace = workspaceOf(tests[0] ?? '');
  const reportFile = join(tree, 'report.json');
  rmSync(reportFile, { force: true });
  const log = openSync(join(tree, 'vitest.log'), 'w');
  const child = spawnGroup(
    process.execPath,
    [
      join(tree, 'node_modules/vitest/vitest.mjs'),
      'run',
      '--reporter=json',
      `--outputFile=${reportFile}`,
      ...vitestArgs,
      ...tests.map((test) => test.slice(workspace.length + 1)),
    ],
    log,
    { cwd: join(tree, workspace) },
    1_000,
  );
  closeSync(log);
  const timer = new AbortController();
  const [end] = (await Promise.race([
    once(child, 'exit'),
    sleep(limitMs, ['late'], { signal: timer.signal, ref: false }),
  ])) as [number | null | 'late'];
  timer.abort();
  if (end === 'late') {
    signalGroup(child, 'SIGKILL');
    return { kind: 'unclear', why: `the tests did not end within ${limitMs / 1000} s` };
  }
  const report = existsSync(reportFile)
    ? (JSON.parse(readFileSync(reportFile, 'utf8')) as RunReport)
    : undefined;
  return judgeRun(report, end);
}
