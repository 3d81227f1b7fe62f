import { type IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { codedErrorOf } from '../../test/support/codedErrorOf.ts';
import { assertNotForged, isOriginAllowed } from './checkOrigin.ts';

const own = 'http://localhost:4466';
const requestOf = (method: string, headers: IncomingHttpHeaders): IncomingMessage => {
  const request = new IncomingMessage(new Socket());
  request.method = method;
  request.headers = headers;
  return request;
};
const allowed = (method: string, headers: IncomingHttpHeaders): boolean =>
  isOriginAllowed(requestOf(method, headers), () => [own]);

const navigation = {
  'sec-fetch-site': 'cross-site',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
};

describe.each(['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS'])('%s', (method) => {
  it.each<IncomingHttpHeaders>([
    {},
    { origin: own },
    { origin: 'HTTP://LOCALHOST:4466' },
    { origin: own, 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'none' },
  ])('ID-09: serves %o', (headers) => {
    expect(allowed(method, headers)).toBe(true);
  });

  it.each<IncomingHttpHeaders>([
    { origin: 'null' },
    { origin: '' },
    { origin: 'https://localhost:4466' },
    { origin: 'http://localhost:4467' },
    { origin: 'http://evil.example' },
    { origin: 'http://localhost:4466.evil.example' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { origin: own, 'sec-fetch-site': 'cross-site' },
    { origin: 'http://evil.example', ...navigation },
    { ...navigation, 'sec-fetch-dest': 'iframe' },
    { ...navigation, 'sec-fetch-mode': 'no-cors' },
  ])('ID-09, TH-11: refuses %o', (headers) => {
    expect(allowed(method, headers)).toBe(false);
  });
});

it('ID-09: a link from another site may open a page, and do nothing else', () => {
  expect(allowed('GET', navigation)).toBe(true);
  expect(allowed('HEAD', navigation)).toBe(true);
  expect(allowed('POST', navigation)).toBe(false);
  expect(allowed('GET', { ...navigation, upgrade: 'websocket' })).toBe(false);
});

it('ID-09, TH-10: an upgrade from another origin is refused', () => {
  expect(allowed('GET', { upgrade: 'websocket', origin: 'http://evil.example' })).toBe(false);
  expect(allowed('GET', { upgrade: 'websocket', origin: own })).toBe(true);
});

describe('a cookie', () => {
  it('ID-09: serves where the browser says where its page is from', () => {
    for (const headers of [
      { origin: own },
      { 'sec-fetch-site': 'same-origin' },
      { 'sec-fetch-site': 'none' },
    ])
      for (const method of ['GET', 'POST', 'DELETE'])
        for (const isUpgrade of [false, true]) assertNotForged(requestOf(method, headers), isUpgrade);
  });

  it('ID-09: serves for a plain GET or HEAD alone where it does not', async () => {
    for (const method of ['GET', 'HEAD']) {
      assertNotForged(requestOf(method, {}), false);
      expect((await codedErrorOf(() => assertNotForged(requestOf(method, {}), true))).code).toBe(
        'origin-refused',
      );
    }
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
      expect((await codedErrorOf(() => assertNotForged(requestOf(method, {}), false))).code).toBe(
        'origin-refused',
      );
  });
});
