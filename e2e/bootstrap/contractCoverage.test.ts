import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readContractCoverage, readIds, readRules } from './contractCoverage.ts';

it('reads ids in brackets, one or several', () => {
  expect(readIds('the walk [DI-07, DI-30] and [PX-40] but not (PX-41) or [px-42]')).toEqual([
    'DI-07',
    'DI-30',
    'PX-40',
  ]);
  expect(readIds('[S04, FA-24] a case and a rule')).toEqual(['S04', 'FA-24']);
});

it('reads the rules that a contract defines, not those that it mentions', () => {
  expect(readRules('# T\n- EX-01 one, see EX-07\n- EX-02 two\n  - EX-03 not at the margin\n')).toEqual([
    'EX-01',
    'EX-02',
  ]);
});

it('counts what passed, and nothing that failed or was skipped', () => {
  const reports = mkdtempSync(join(tmpdir(), 'coverage-'));
  const assertionResults = [
    { fullName: '[PX-01] a', status: 'passed' },
    { fullName: '[PX-02] b', status: 'failed' },
    { fullName: '[PX-03] c', status: 'skipped' },
  ];
  writeFileSync(
    join(reports, 'sidecar.json'),
    JSON.stringify({ testResults: [{ name: 'a.test.ts', status: 'failed', assertionResults }] }),
  );
  const { files } = readContractCoverage(reports);
  rmSync(reports, { recursive: true });
  expect(files.find(({ file }) => file === 'proxy.md')?.named).toEqual(['PX-01']);
  expect(files.flatMap(({ named }) => named)).toEqual(['PX-01']);
});
