import { describe, expect, it } from 'vitest';
import { type KubernetesRequest, parseKubernetesRequest } from './kubernetesRequest.ts';

it.each<[string, Partial<KubernetesRequest>]>([
  ['/api/v1/pods', { group: '', namespace: '', resource: 'pods', name: '' }],
  ['/api/v1/pods/?limit=1', { resource: 'pods', name: '' }],
  ['/api/v1/namespaces', { resource: 'namespaces', namespace: '', name: '' }],
  ['/api/v1/namespaces/ns', { resource: 'namespaces', namespace: 'ns', name: 'ns' }],
  [
    '/api/v1/namespaces/ns/finalize',
    { resource: 'namespaces', namespace: 'ns', name: 'ns', subresource: 'finalize' },
  ],
  ['/api/v1/namespaces/ns/pods/p', { resource: 'pods', namespace: 'ns', name: 'p', subresource: '' }],
  [
    '/apis/apps/v1/namespaces/ns/deployments/d/scale',
    { group: 'apps', resource: 'deployments', namespace: 'ns', name: 'd', subresource: 'scale' },
  ],
  ['/api/v1/namespaces/n%73/p%6Fds/a%20b', { resource: 'pods', namespace: 'ns', name: 'a b' }],
  // It decodes bytes, whatever they are.
  ['/api/v1/pods/%ff', { resource: 'pods', name: '\ufffd' }],
  ['/api/v1/namespaces/ns/pods/z%C3%AB', { resource: 'pods', name: 'zë' }],
  [
    '/api/v1/nodes/n/proxy/%ff',
    { resource: 'nodes', name: 'n', subresource: 'proxy', isProxySubresource: true },
  ],
  // The API server decodes before it splits.
  [
    '/api/v1/namespaces/ns/services%2Fs%2Fproxy/x',
    { resource: 'services', namespace: 'ns', name: 's', subresource: 'proxy', isProxySubresource: true },
  ],
])('PX-02: reads %s as the API server does', (rest, expected) => {
  expect(parseKubernetesRequest(rest)).toMatchObject({ isResource: true, ...expected });
});

it.each([
  '',
  '/',
  '/version',
  '/healthz?verbose',
  '/api',
  '/api/v1',
  '/api/v1/',
  '/apis',
  '/apis/apps',
  '/apis/apps/v1',
  '/API/v1/pods',
  '/x/api/v1/pods',
  '/api/v1//pods',
  '/api/v1/pods/%',
  '/api/v1/pods/%zz/proxy',
])('PX-02: %j is no resource', (rest) => {
  expect(parseKubernetesRequest(rest)).toMatchObject({ isResource: false, isLongRunning: false });
});

it('PX-42: a path of nothing but slashes is read in no time', () => {
  const path = `/api${'/'.repeat(60_000)}x`;
  const start = performance.now();
  expect(parseKubernetesRequest(path).isResource).toBe(false);
  expect(performance.now() - start).toBeLessThan(500);
});

describe('PX-25: what may take as long as it likes', () => {
  it.each([
    '/api/v1/pods?watch=1',
    '/api/v1/pods?watch=true&resourceVersion=5',
    '/api/v1/pods?watch',
    '/api/v1/pods??watch=false&watch=1',
    '/api/v1/pods?%77atch=1',
    '/api/v1/pods?fieldSelector=a%3Db&watch=1',
    '/api/v1/watch/namespaces/ns/pods',
    '/api/v1/namespaces/ns/pods/p/log?follow=true',
    '/api/v1/namespaces/ns/pods/p/log??follow=0&follow=1',
    '/api/v1/namespaces/ns/pods/p/exec?command=sh',
    '/api/v1/namespaces/ns/pods/p/attach',
    '/api/v1/namespaces/ns/pods/p/portforward',
    '/api/v1/namespaces/ns/services/s/proxy/',
    '/api/v1/proxy/namespaces/ns/services/s/x',
  ])('%s', (rest) => {
    expect(parseKubernetesRequest(rest).isLongRunning).toBe(true);
  });

  it.each([
    '/api/v1/pods',
    '/api/v1/pods?watch=false',
    '/api/v1/pods?watch=False',
    '/api/v1/pods?watch=0',
    '/api/v1/pods??watch=1',
    '/api/v1/pods?a=watch&xwatch=1&Watch=1&watch.=1',
    '/api/v1/pods?watch=%30',
    '/api/v1/pods?a=%77atch',
    '/api/v1/namespaces/ns/pods/p/log',
    '/api/v1/namespaces/ns/pods/p/log?follow=false',
    '/api/v1/namespaces/ns/pods/p?follow=true',
    '/api/v1/namespaces/exec',
    '/version?watch=1',
  ])('but not %s', (rest) => {
    expect(parseKubernetesRequest(rest).isLongRunning).toBe(false);
  });
});

it.each([
  ['/api/v1/namespaces/ns/services/s/proxy', true],
  ['/api/v1/namespaces/ns/pods/http:p:80/proxy/a/b', true],
  ['/api/v1/nodes/n/proxy/logs', true],
  ['/api/v1/proxy/namespaces/ns/services/s/x', true],
  ['/api/v1/namespaces/ns/services/proxy', false],
  ['/api/v1/namespaces/proxy/services/s', false],
  ['/api/v1/namespaces/ns/services/s/status?proxy', false],
])('PX-12, EX-25: whether the path behind is an app’s: %s %s', (rest, expected) => {
  expect(parseKubernetesRequest(rest).isProxySubresource).toBe(expected);
});
