import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatResults, isGood, readResult } from './results.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'results-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function writeReport(testResults: readonly object[]): string {
  const file = join(folder, 'report.json');
  writeFileSync(file, JSON.stringify({ testResults }));
  return file;
}

const passed = { fullName: 'works', status: 'passed' };

describe('readResult', () => {
  it('counts tests, and files that do not load', () => {
    const file = writeReport([
      { name: 'a', status: 'failed', assertionResults: [passed, { fullName: 'breaks', status: 'failed' }] },
      { name: 'b', status: 'failed', assertionResults: [] },
      {
        name: 'c',
        status: 'passed',
        assertionResults: [{ fullName: 'waits', status: 'skipped', meta: { skipReason: 'no go' } }],
      },
    ]);
    expect(readResult('x', file, 1, 1)).toEqual({
      suite: 'x',
      passed: 1,
      failed: 2,
      skipped: [{ title: 'waits', reason: 'no go' }],
      seconds: 1,
    });
  });

  it.each([
    ['there is no report', undefined, 1],
    ['no test ran', [], 0],
    ['all passed and yet the run failed', [{ name: 'a', status: 'passed', assertionResults: [passed] }], 1],
  ])('counts a failure when %s', (_, testResults, exitCode) => {
    const file = testResults ? writeReport(testResults) : join(folder, 'absent.json');
    expect(readResult('x', file, 1, exitCode).failed).toBe(1);
  });
});

describe('formatResults', () => {
  it('ends with the sum on a line of its own, and says why a test was skipped', () => {
    const text = formatResults([
      { suite: 'sidecar', passed: 10, failed: 1, skipped: [], seconds: 3 },
      {
        suite: 'e2e',
        passed: 5,
        failed: 0,
        skipped: [{ title: 'opens', reason: 'no browser' }],
        seconds: 12.34,
      },
    ]);
    expect(text.split('\n').at(-1)).toBe('15 passed, 1 failed, 1 skipped');
    expect(text).toContain('skipped: e2e: opens: no browser');
  });
});

describe('isGood', () => {
  it('takes neither a failure nor nothing at all for a success', () => {
    expect(isGood([])).toBe(false);
    expect(isGood([{ suite: 'x', passed: 1, failed: 1, skipped: [], seconds: 0 }])).toBe(false);
    expect(isGood([{ suite: 'x', passed: 1, failed: 0, skipped: [], seconds: 0 }])).toBe(true);
  });
});
