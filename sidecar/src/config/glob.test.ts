import { expect, it } from 'vitest';
import { matchesGlob } from './glob.ts';

it.each([
  ['fleet', 'fleet', true],
  ['fleet', 'fleet-2', false],
  ['fleet', 'Fleet', false],
  ['*', '', true],
  ['*', 'store/a b', true],
  ['team-*', 'team-', true],
  ['team-*', 'a-team-x', false],
  ['*-eu', 'prod-eu', true],
  ['*-eu', 'prod-eu-2', false],
  ['a*b*c', 'a-b-b-c', true],
  ['a*b*c', 'a-c-b', false],
  ['ab*ba', 'aba', false],
  ['a*a*a', 'aa', false],
  ['a.c', 'abc', false],
  ['', 'x', false],
])('%j against %j: %s', (pattern, text, expected) => {
  expect(matchesGlob(pattern, text)).toBe(expected);
});

it('a pattern made to be slow is not', () => {
  expect(matchesGlob('*a'.repeat(2000), 'a'.repeat(100_000) + 'b')).toBe(false);
});
