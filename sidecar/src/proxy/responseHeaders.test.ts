import { describe, expect, it } from 'vitest';
import { codedErrorOf } from '../../test/support/codedErrorOf.ts';
import type { ClusterConnection } from '../clusters/connection.ts';
import { type HeaderPairs, pairHeaders } from './headerPairs.ts';
import { buildResponseHeaders } from './responseHeaders.ts';

const connection: ClusterConnection = {
  protocol: 'https:',
  hostname: 'api.example',
  port: 6443,
  hostHeader: 'api.example:6443',
  basePath: '',
  query: '',
  tls: { insecureSkipVerify: false },
  disableCompression: false,
  isAddressAllowed: () => true,
};
const clusterPrefix = '/base/clusters/cluster-inventory-a';

const build = (upstream: HeaderPairs, status = 200, basePath = '', rest = '/x'): HeaderPairs =>
  pairHeaders(
    buildResponseHeaders({
      upstream: upstream.flat(),
      status,
      connection: { ...connection, basePath },
      clusterPrefix: () => clusterPrefix,
      rest,
    }),
  );

const ours: HeaderPairs = [
  ['X-Content-Type-Options', 'nosniff'],
  ['Content-Security-Policy', "default-src 'none'; sandbox"],
];

it.each([
  'Set-Cookie',
  'set-cookie2',
  'Access-Control-Allow-Origin',
  'access-control-allow-credentials',
  'Clear-Site-Data',
  'Service-Worker-Allowed',
  'Alt-Svc',
  'Strict-Transport-Security',
  'X-Reload',
  'WWW-Authenticate',
  'Refresh',
  'Link',
  'NEL',
  'Report-To',
  'Reporting-Endpoints',
  'SourceMap',
  'X-SourceMap',
  'Set-Login',
])('PX-15, TH-13, TH-48: drops %s', (name) => {
  expect(
    build([
      [name, 'x'],
      ['Cache-Control', 'private'],
    ]),
  ).toEqual([['Cache-Control', 'private'], ...ours]);
});

it('PX-40: no answer of a cluster passes for an error of the sidecar', () => {
  expect(build([['x-cluster-inventory-ERROR', 'cluster-unknown']]).map(([name]) => name)).not.toContain(
    'x-cluster-inventory-ERROR',
  );
});

it('PX-16: no answer is rendered: ours replace the cluster’s own headers', () => {
  expect(
    build([
      ['Content-Security-Policy', "default-src 'self'"],
      ['x-content-type-options', ''],
      ['Content-Type', 'image/svg+xml'],
    ]),
  ).toEqual([['Content-Type', 'image/svg+xml'], ['Cache-Control', 'no-store'], ...ours]);
});

it('PX-16: no-store only where the cluster says nothing of caching', () => {
  expect(build([['cache-control', 'no-cache, private']])).toEqual([
    ['cache-control', 'no-cache, private'],
    ...ours,
  ]);
});

it.each([
  'public, immutable',
  'Public',
  'max-age=60',
  's-maxage=60',
  'public, no-cache="x-y"',
  'must-revalidate',
  '',
])('PX-16: Cache-Control: %s would let a cache answer somebody else', (value) => {
  expect(build([['Cache-Control', value]])).toEqual([['Cache-Control', 'private, no-cache'], ...ours]);
});

it.each(['no-cache, private', 'private, max-age=60', 'No-Store', 'public, no-cache'])(
  'PX-16: Cache-Control: %s passes',
  (value) => {
    expect(build([['Cache-Control', value]])).toEqual([['Cache-Control', value], ...ours]);
  },
);

it('PX-10, PX-20: the rest passes as it came, repeated headers and the encoding too', () => {
  const headers: HeaderPairs = [
    ['Content-Encoding', 'gzip'],
    ['Warning', 'a'],
    ['warning', 'b'],
    ['Content-Length', '3'],
    ['Cache-Control', 'no-cache'],
  ];
  const hops: HeaderPairs = [
    ['Connection', 'X-Hop'],
    ['X-Hop', '1'],
    ['Keep-Alive', 'timeout=1'],
    ['Transfer-Encoding', 'chunked'],
  ];
  expect(build([...hops, ...headers])).toEqual([...headers, ...ours]);
});

describe('Location', () => {
  const locationOf = (value: string, status = 302, basePath = ''): string | undefined =>
    build([['Location', value]], status, basePath).find(([name]) => name === 'Location')?.[1];

  it.each([
    ['/api/v1', `${clusterPrefix}/api/v1`],
    ['/a?b=c#d', `${clusterPrefix}/a?b=c#d`],
    ['/', `${clusterPrefix}/`],
    ['https://api.example:6443/x?y', `${clusterPrefix}/x?y`],
    ['HTTPS://API.example:6443/X', `${clusterPrefix}/X`],
    ['https://api.example:6443', `${clusterPrefix}/`],
    ['below/it', `${clusterPrefix}/below/it`],
    ['./it', `${clusterPrefix}/it`],
    ['?page=2', `${clusterPrefix}/x?page=2`],
    ['#part', `${clusterPrefix}/x#part`],
    ['/a%2F..b', `${clusterPrefix}/a%2F..b`],
  ])('PX-17: %s leads back under the cluster', (value, expected) => {
    expect(locationOf(value)).toBe(expected);
  });

  it.each([
    ['/k8s/c1/api', `${clusterPrefix}/api`],
    ['/k8s/c1', clusterPrefix],
    ['/k8s/c1?x', `${clusterPrefix}?x`],
    ['https://api.example:6443/k8s/c1/x', `${clusterPrefix}/x`],
  ])('PX-17: %s loses the base path', (value, expected) => {
    expect(locationOf(value, 302, '/k8s/c1')).toBe(expected);
  });

  it.each([
    'https://evil.example/x',
    'http://api.example:6443/x',
    'https://api.example:6443.evil.example/x',
    'https://api.example:6443@evil.example/x',
    'https://api.example:64430/x',
    'https://api.example/x',
    '//evil.example/x',
    '/\\evil.example/x',
    '\\\\evil.example/x',
    '/\t/evil.example/x',
    'https:evil.example',
    'javascript:alert(1)',
    '/..',
    '/../cluster-inventory-b/x',
    '/a/%2e%2E/b',
    '/a/.%2e',
    '../x',
    'a/../../x',
  ])('PX-17: %j is refused', async (value) => {
    expect((await codedErrorOf(() => locationOf(value))).code).toBe('redirect-refused');
  });

  it.each(['/k8s/c2/x', '/k8s/c10/x', '/', 'https://api.example:6443/other'])(
    'PX-17: %s outside the base path is refused',
    async (value) => {
      expect((await codedErrorOf(() => locationOf(value, 307, '/k8s/c1'))).code).toBe('redirect-refused');
    },
  );

  it.each(['', '?x'])(
    'PX-17: relative to the cluster’s root, asked for as %j, stays below it',
    async (rest) => {
      const locationFrom = (value: string) => build([['Location', value]], 302, '', rest)[0]?.[1];
      const locations = ['cluster-inventory-b/x', '?page=2', './cluster-inventory-b'].map(locationFrom);
      expect(locations).toEqual([
        `${clusterPrefix}/cluster-inventory-b/x`,
        `${clusterPrefix}/?page=2`,
        `${clusterPrefix}/cluster-inventory-b`,
      ]);
      expect((await codedErrorOf(() => locationFrom('../cluster-inventory-b'))).code).toBe(
        'redirect-refused',
      );
    },
  );

  it.each([
    ['login', '/a/b/login'],
    ['../login?next=c', '/a/login?next=c'],
    ['../..', '/'],
    ['%2E./.', '/a/'],
    ['', '/a/b/c?q'],
    ['#d', '/a/b/c?q#d'],
    ['?r#d', '/a/b/c?r#d'],
    ['.//x', '/a/b//x'],
  ])('PX-17: %j is resolved against the path that was asked for', (value, expected) => {
    expect(build([['Location', value]], 302, '/k8s/c1', '/a/b/c?q')[0]?.[1]).toBe(
      `${clusterPrefix}${expected}`,
    );
  });

  it('PX-17: further up than the cluster’s root is refused', async () => {
    const error = await codedErrorOf(() => build([['Location', '../../../x']], 302, '', '/a/b/c'));
    expect(error.code).toBe('redirect-refused');
  });

  it('PX-17: of an answer that is no redirect is left out where it leads elsewhere', () => {
    expect(locationOf('https://evil.example/x', 201)).toBeUndefined();
    expect(locationOf('/api/v1/x', 201)).toBe(`${clusterPrefix}/api/v1/x`);
  });

  it('PX-17: 304 without one passes', () => {
    expect(build([['ETag', '"1"']], 304)[0]).toEqual(['ETag', '"1"']);
  });
});
