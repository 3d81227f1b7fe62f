import { existsSync, readFileSync } from 'node:fs';

/** One row of the closing table. */
export interface Result {
  readonly suite: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: readonly SkippedTest[];
  readonly seconds: number;
}

export interface SkippedTest {
  readonly title: string;
  readonly reason: string;
}

/** What this reads of the report of vitest's JSON reporter. */
interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly meta?: { readonly skipReason?: string };
    }[];
  }[];
}

/** The tests of a report that is there. */
export function readReport(file: string): Report['testResults'][number]['assertionResults'] {
  const { testResults } = JSON.parse(readFileSync(file, 'utf8')) as Report;
  return testResults.flatMap(({ assertionResults }) => assertionResults);
}

/**
 * Counts a report. A file that fails to load counts as one failure, and so does a report that is not there, or that
 * has no test at all: nothing that did not run ever looks like a success.
 */
export function readResult(
  suite: string,
  reportFile: string,
  seconds: number,
  exitCode: number | null,
): Result {
  const nothing = { suite, passed: 0, failed: 1, skipped: [], seconds };
  if (!existsSync(reportFile)) return nothing;
  const { testResults } = JSON.parse(readFileSync(reportFile, 'utf8')) as Report;
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  const passed = tests.filter(({ status }) => status === 'passed').length;
  const failedTests = tests.filter(({ status }) => status === 'failed').length;
  const failedFiles = testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some(({ status }) => status === 'failed'),
  ).length;
  const skipped = tests
    .filter(({ status }) => status !== 'passed' && status !== 'failed')
    .map(({ fullName, meta }) => ({ title: fullName, reason: meta?.skipReason ?? 'no reason given' }));
  const failed = failedTests + failedFiles;
  // E.g. an unhandled rejection: every test passed, and yet something went wrong.
  const unexplained = failed === 0 && (exitCode !== 0 || passed === 0) ? 1 : 0;
  return { suite, passed, failed: failed + unexplained, skipped, seconds };
}

/** The closing table, and on a line of its own the sum of it. */
export function formatResults(results: readonly Result[]): string {
  const rows = results.map(({ suite, passed, failed, skipped, seconds }) =>
    [suite, passed, failed, skipped.length, seconds.toFixed(1)].map(String),
  );
  const table = [['', 'passed', 'failed', 'skipped', 'seconds'], ...rows];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...table.map((row) => (row[column] ?? '').length)));
  const lines = table.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  '),
  );
  const skips = results.flatMap(({ suite, skipped }) =>
    skipped.map(({ title, reason }) => `skipped: ${suite}: ${title}: ${reason}`),
  );
  const sum = (count: (result: Result) => number): number =>
    results.reduce((total, result) => total + count(result), 0);
  return [
    '',
    ...lines,
    ...skips,
    '',
    `${sum(({ passed }) => passed)} passed, ${sum(({ failed }) => failed)} failed, ${sum(({ skipped }) => skipped.length)} skipped`,
  ].join('\n');
}

/** Whether a run counts as good: something passed and nothing failed. */
export function isGood(results: readonly Result[]): boolean {
  return results.some(({ passed }) => passed > 0) && results.every(({ failed }) => failed === 0);
}
