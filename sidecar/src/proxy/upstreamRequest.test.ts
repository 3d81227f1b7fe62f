import { expect, it } from 'vitest';
import { joinTarget } from './upstreamRequest.ts';

it.each([
  ['', '', '', '/'],
  ['', '', '/', '/'],
  ['', '', '/api//v1/', '/api//v1/'],
  ['', '', '/a%2Fb%2fc+d', '/a%2Fb%2fc+d'],
  ['', '', '?', '/?'],
  ['', '', '/a?b=1&b=2&c=%2F+', '/a?b=1&b=2&c=%2F+'],
  ['', '', '/a?b?c', '/a?b?c'],
  ['/k8s/c1', '', '', '/k8s/c1/'],
  ['/k8s/c1', '', '/api?x', '/k8s/c1/api?x'],
  // Once, also where the path begins like it.
  ['/k8s', '', '/k8s/api', '/k8s/k8s/api'],
  ['', 'agent=a', '/api', '/api?agent=a'],
  ['', 'agent=a', '/api?', '/api?agent=a'],
  ['/base', 'agent=a', '?watch=1&agent=b', '/base/?agent=a&watch=1&agent=b'],
  ['/base', 'a=%2F', '/p?c=d?e', '/base/p?a=%2F&c=d?e'],
])('PX-01, PX-03: base path %j, query %j and %j are %j', (basePath, query, rest, expected) => {
  expect(joinTarget({ basePath, query }, rest)).toBe(expected);
});
