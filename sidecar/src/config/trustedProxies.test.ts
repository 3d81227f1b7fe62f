import { expect, it } from 'vitest';
import { parseTrustedProxies } from './trustedProxies.ts';

it('[OP-25] holds addresses and networks of both families', () => {
  const proxies = parseTrustedProxies(['10.1.0.0/16', '192.0.2.7', 'fd00::/8']);
  for (const inside of ['10.1.2.3', '192.0.2.7', 'fd12::1', '::ffff:10.1.2.3'])
    expect(proxies.has(inside)).toBe(true);
  for (const outside of ['10.2.0.1', '192.0.2.8', 'fe80::1', '::ffff:10.2.0.1', 'localhost', '', undefined])
    expect(proxies.has(outside)).toBe(false);
  expect(parseTrustedProxies([]).has('127.0.0.1')).toBe(false);
});

it.each(['proxy', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/-1', 'fd00::/129', '10.0.0.1/8/8x', '*'])(
  'refuses %s',
  (entry) => {
    expect(() => parseTrustedProxies([entry])).toThrow(`"${entry}"`);
  },
);
