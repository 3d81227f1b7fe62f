import { describe, expect, it } from 'vitest';
import { type RoutedTarget, routeTarget } from './target.ts';

const route = (target: string, basePath = ''): RoutedTarget =>
  routeTarget(target, { basePath, namePrefix: 'cluster-inventory-' });

const own = '/clusters/cluster-inventory-a--1';

describe('a canonical target', () => {
  it.each([
    ['', ''],
    ['/', '/'],
    ['?watch=1', '?watch=1'],
    ['/api/v1/pods', '/api/v1/pods'],
    ['/api//v1/', '/api//v1/'],
    ['/a%2Fb%2fc', '/a%2Fb%2fc'],
    ['/a%20b+c%2B', '/a%20b+c%2B'],
    ['/%C3%A9', '/%C3%A9'],
    ['/%zz%', '/%zz%'],
    ['/a;b=c:d@e', '/a;b=c:d@e'],
    ['/...', '/...'],
    ['/.well-known/..a', '/.well-known/..a'],
    ['/p?a=1&a=2&b=%2F..%2F+x', '/p?a=1&a=2&b=%2F..%2F+x'],
    ['/p?q=/../clusters/x\\y', '/p?q=/../clusters/x\\y'],
    ['/p??', '/p??'],
    ['/clusters/cluster-inventory-b/api', '/clusters/cluster-inventory-b/api'],
  ])('PX-01: keeps %j as it is written', (written, rest) => {
    expect(route(own + written)).toEqual({ kind: 'cluster', name: 'cluster-inventory-a--1', rest });
  });

  it('PX-02: takes the encoded spelling of a name with characters beyond ASCII, and no other', () => {
    expect(route('/clusters/cluster-inventory-%C3%A9/x')).toEqual({
      kind: 'cluster',
      name: 'cluster-inventory-é',
      rest: '/x',
    });
    expect(route('/clusters/cluster-inventory-%c3%a9/x').kind).toBe('refused');
  });

  it('PX-02: is below the base path, with which no other address of it exists', () => {
    expect(route(`/head/lamp${own}/x`, '/head/lamp')).toEqual({
      kind: 'cluster',
      name: 'cluster-inventory-a--1',
      rest: '/x',
    });
    expect(route(`/head/lamp${own}/x`).kind).toBe('refused');
    expect(route(`${own}/x`, '/head/lamp').kind).toBe('refused');
  });
});

it.each([
  // Another host, to whoever resolves it.
  'http://cluster/clusters/cluster-inventory-a--1/x',
  'https://evil.example/',
  'clusters/cluster-inventory-a--1',
  '',
  '//evil.example/x',
  `/${own}/x`,
  `${own}/x#fragment`,
  '/x#',
  // The prefix, written otherwise.
  '/CLUSTERS/cluster-inventory-a--1/x',
  '/Clusters/cluster-inventory-a--1',
  '/%63lusters/cluster-inventory-a--1/x',
  '/%2563lusters/cluster-inventory-a--1/x',
  '/%25252563lusters/cluster-inventory-a--1/x',
  '/clusters//cluster-inventory-a--1/x',
  '/clusters%2Fcluster-inventory-a--1/x',
  '/clusters%252fcluster-inventory-a--1/x',
  '/clusters\\cluster-inventory-a--1/x',
  '/clusters%5Ccluster-inventory-a--1/x',
  '\\clusters\\cluster-inventory-a--1',
  '/%5Cclusters/cluster-inventory-a--1',
  '/./clusters/cluster-inventory-a--1/x',
  '/a/../clusters/cluster-inventory-a--1/x',
  '/a/%2e%2E/clusters/cluster-inventory-a--1/x',
  '/a/.%2e/clusters/cluster-inventory-a--1/x',
  '/a/%252e%252e/clusters/cluster-inventory-a--1/x',
  '/clusters/./cluster-inventory-a--1/x',
  '/clusters/main/../cluster-inventory-a--1/x',
  '/clusters/main//../../cluster-inventory-a--1/x',
  '/clusters/main//../cluster-inventory-a--1/x',
  '/clusters/main%2F..%2Fcluster-inventory-a--1/x',
  // The name, written otherwise.
  '/clusters/Cluster-Inventory-a--1/x',
  '/clusters/CLUSTER-INVENTORY-A--1',
  '/clusters/%63luster-inventory-a--1/x',
  '/clusters/cluster%2Dinventory-a--1/x',
  '/clusters/cluster-inventory-%61--1/x',
  '/clusters/cluster-inventory-a%2Fb/x',
  '/clusters/cluster-inventory-a%5Cb/x',
  '/clusters/cluster-inventory-a%00/x',
  '/clusters/cluster-inventory-a%3F/x',
  '/clusters/cluster-inventory-a%23/x',
  '/clusters/cluster-inventory-a%25/x',
  '/clusters/cluster-inventory-%ff/x',
  // Out of our own API, which has clusters by name, too; and into it by another spelling.
  '/cluster-inventory/v1/../../clusters/cluster-inventory-a--1/x',
  '/cluster-inventory/v1/%2e%2e/x/clusters/cluster-inventory-a--1',
  '/cluster-inventory/v1/a%2F..%2F..%2F../clusters/cluster-inventory-a--1',
  '/cluster-inventory/v1\\..\\clusters\\cluster-inventory-a--1',
  '/Cluster-Inventory/v1/clusters/cluster-inventory-a--1',
  '/cluster-inventory//v1/clusters/cluster-inventory-a--1',
  '/x/cluster-inventory/v1/clusters/cluster-inventory-a--1',
  // What the API's router cannot decode.
  '/cluster-inventory/v1/clusters/%zz',
  '/cluster-inventory/v1/clusters/%ff/check',
  // Below the cluster.
  `${own}/..`,
  `${own}/.`,
  `${own}/../cluster-inventory-b/x`,
  `${own}/a/./b`,
  `${own}/%2e%2e/x`,
  `${own}/%2E./x`,
  `${own}/%252e%252e/x`,
  `${own}/a%2F..%2Fb`,
  `${own}/a%252F%252e%252E%252Fb`,
  `${own}/a\\b`,
  `${own}/..\\b`,
  `${own}/a%5cb`,
  `${own}/a%255Cb`,
  `${own}/a%00b`,
  `${own}/a%2500b`,
  `${own}/é`,
  `${own}/a?b=é`,
])('PX-02, TH-40: refuses %j', (target) => {
  expect(route(target)).toEqual({ kind: 'refused', code: 'path-refused' });
});

it('PX-02: refuses what is encoded more often than anybody means, since it could name a cluster of ours', () => {
  const nested = (depth: number): string => `%${'25'.repeat(depth)}63`;
  for (const depth of [0, 5, 6, 7, 50, 5000]) {
    expect(route(`/${nested(depth)}lusters/cluster-inventory-a--1/x`).kind, String(depth)).toBe('refused');
    if (depth > 5) expect(route(`${own}/${nested(depth)}`).kind, String(depth)).toBe('refused');
  }
});

it.each([
  '*',
  '/',
  '/config',
  '/clusters',
  '/clusters/',
  '/clusters/main/api/v1/pods',
  '/clusters/main/a%2Fb/../c',
  '/clusters/cluster-inventory',
  '/CLUSTERS/main/x',
  '/clusters/Main%20Cluster/x',
  '/c/cluster-inventory-a--1/pods',
  '/static/cluster-inventory-a.js?x=/clusters/cluster-inventory-a',
  '/cluster-inventory/v1x/clusters',
])('PX-04, PX-43: leaves %j to the dashboard', (target) => {
  expect(route(target)).toEqual({ kind: 'other' });
});

it.each([
  '/cluster-inventory/v1/clusters',
  '/cluster-inventory/v1/clusters/cluster-inventory-a--1',
  '/cluster-inventory/v1/clusters/cluster-inventory-a--1/check',
])('PX-02: %j is for the API', (target) => {
  expect(route(target)).toEqual({ kind: 'api' });
});
