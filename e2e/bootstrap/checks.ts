import { CommandError, runCommand } from './runCommand.mjs';
import { root } from './builds.ts';
import type { Result } from './results.ts';

/** By the names of scripts in the package.json of the repository. */
const checks = ['check:types', 'check:lint', 'check:format', 'check:unused'] as const;

/** Runs each check, whatever became of the one before; prints what a failed one says. Each counts as one test. */
export async function runChecks(progress: (text: string) => void): Promise<Result> {
  const start = performance.now();
  const problems: string[] = [];
  for (const check of checks) {
    progress(check);
    try {
      await runCommand('npm', ['run', '--silent', check], {
        cwd: root,
        onLine: (line) => progress(`${check}: ${line}`),
      });
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      problems.push(error.message);
    }
  }
  if (problems.length > 0) process.stdout.write(`\n${problems.join('\n\n')}\n`);
  const seconds = (performance.now() - start) / 1000;
  return {
    suite: 'checks',
    passed: checks.length - problems.length,
    failed: problems.length,
    skipped: [],
    seconds,
  };
}
