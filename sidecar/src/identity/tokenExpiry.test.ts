import { expect, it } from 'vitest';
import { readTokenExpiry } from './tokenExpiry.ts';

const withPayload = (payload: string): string => `e30.${Buffer.from(payload).toString('base64url')}.x`;

it('is the exp of a JWT', () => {
  expect(readTokenExpiry(withPayload('{"exp":1700000000}'))).toBe(1_700_000_000_000);
});

it.each([
  'opaque',
  '',
  'a.b.c',
  '..',
  withPayload('null'),
  withPayload('[]'),
  withPayload('{}'),
  withPayload('{"exp":"1"}'),
  withPayload('{"exp":null}'),
])('%j never says that it ends', (token) => {
  expect(readTokenExpiry(token)).toBe(Infinity);
});
