import { expect, it } from 'vitest';
import { judgeRun, type RunReport } from './judgeRun.ts';

type Test = RunReport['testResults'][number]['assertionResults'][number];

const passed: Test = { fullName: 'good', status: 'passed', failureMessages: [] };
const failed = (message: string): Test => ({
  fullName: '[EX-01] bad',
  status: 'failed',
  failureMessages: [message],
});
const reportOf = (...assertionResults: Test[]): RunReport => ({
  testResults: [{ name: 'a.test.ts', status: 'passed', assertionResults }],
});
const assertion = failed('AssertionError: expected 1 to be 2\n    at …');

it('is killed by a test that failed', () => {
  expect(judgeRun(reportOf(passed, assertion), 1)).toEqual({ kind: 'killed', by: '[EX-01] bad' });
  expect(judgeRun(reportOf(failed('CodedError: no'), passed), 1)).toMatchObject({ kind: 'killed' });
});

it('is killed by a connection that was cut', () => {
  expect(judgeRun(reportOf(failed('TypeError: fetch failed\n    at …')), 1)).toMatchObject({
    kind: 'killed',
  });
});

it('survives where all tests pass', () => {
  expect(judgeRun(reportOf(passed), 0)).toEqual({ kind: 'survived' });
});

it.each([
  ['TypeError: x is not a function', '[EX-01] bad: TypeError: x is not a function'],
  ['ReferenceError: x is not defined\n  at …', '[EX-01] bad: ReferenceError: x is not defined'],
  ['Error: Test timed out in 30000ms.\nIf this is …', '[EX-01] bad: Error: Test timed out in 30000ms.'],
])('is not killed by %j', (message, why) => {
  expect(judgeRun(reportOf(passed, failed(message)), 1)).toEqual({ kind: 'unclear', why });
  expect(judgeRun(reportOf(failed(message), assertion), 1)).toMatchObject({ kind: 'killed' });
});

it('is not killed by a file that does not load', () => {
  const testResults = [
    { name: 'a.test.ts', status: 'failed', message: 'SyntaxError: …\n', assertionResults: [] },
  ];
  const why = 'a.test.ts does not load: SyntaxError: …';
  expect(judgeRun({ testResults }, 1)).toEqual({ kind: 'unclear', why });
});

it.each([
  ['no report', undefined, 1, 'vitest wrote no report'],
  ['no test', reportOf(), 0, 'no test ran'],
  ['skipped tests', reportOf({ ...passed, status: 'pending' }), 0, 'no test ran'],
  ['an unhandled rejection', reportOf(passed), 1, 'an error outside of every test'],
])('is not killed by %s', (_what, report, exitCode, why) => {
  expect(judgeRun(report, exitCode)).toEqual({ kind: 'unclear', why });
});
