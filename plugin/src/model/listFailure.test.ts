import { describe, expect, it } from 'vitest';
import { describeFailure, FAILURE_SENTENCES, type ListFailure } from './listFailure.ts';

const FAILURES: readonly ListFailure[] = [
  'sidecar-missing',
  'unreachable',
  'signed-out',
  'forbidden',
  'failed',
];

describe('describeFailure', () => {
  it('UI-07: tells each failure apart, in whole sentences that say what to do', () => {
    const sentences = FAILURES.map(describeFailure).flatMap(({ title, advice }) => [title, advice]);
    expect(new Set(sentences).size).toBe(2 * FAILURES.length);
    for (const sentence of sentences) expect(sentence).toMatch(/^[A-Z].*\.$/);
    expect(FAILURE_SENTENCES).toEqual(sentences);
  });

  it.each<[ListFailure, RegExp]>([
    ['signed-out', /sign in/],
    ['forbidden', /Ask for a Role/],
    ['sidecar-missing', /sidecar in front/],
    ['unreachable', /again every 5 seconds/],
    ['failed', /same version/],
  ])('advises on %s', (failure, advice) => {
    expect(describeFailure(failure).advice).toMatch(advice);
  });
});
