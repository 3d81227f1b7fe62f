import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { asCodedError, CodedError, errorDefinition, type ErrorCode, errorRegistry } from './errors.ts';

const documented = [
  ...readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8').matchAll(
    /^\| `([a-z0-9-]+)` +\|/gm,
  ),
].map(([, code]) => code);

it('docs/errors.md explains every code, once, and no other', () => {
  expect([...documented].sort()).toEqual(Object.keys(errorRegistry).sort());
});

it('[PX-40] no message of the registry holds an address, a path or a stack', () => {
  for (const code of Object.keys(errorRegistry) as ErrorCode[]) {
    const { status, summary } = errorDefinition(code);
    expect(summary).not.toMatch(/(^|\s)[/\\]\w|\d+\.\d+\.\d+|\bat \w+ \(/);
    expect(status).toBeGreaterThanOrEqual(400);
  }
});

it('keeps what was thrown as the cause, and a coded error as it is', () => {
  const coded = new CodedError('cluster-unknown');
  expect(asCodedError(coded)).toBe(coded);
  const thrown = new TypeError('x');
  expect(asCodedError(thrown).code).toBe('internal-error');
  expect(asCodedError(thrown).cause).toBe(thrown);
  expect(asCodedError(thrown).message).not.toContain('x is');
});
