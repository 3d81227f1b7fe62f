import { describe, expect, it } from 'vitest';
import { buildPodsPath } from './clusterPath.ts';

describe('buildPodsPath', () => {
  it('leads to the Pods of the cluster', () => {
    expect(buildPodsPath('cluster-inventory-in-cluster--fleet--a')).toBe(
      '/c/cluster-inventory-in-cluster--fleet--a/pods',
    );
  });

  it('[DI-37] escapes the + that would separate two clusters', () => {
    expect(buildPodsPath('blue+green')).toBe('/c/blue%2Bgreen/pods');
  });

  it.each(['gke_project:zone', 'admin@home', 'a$b&c,d;e=f'])(
    'leaves %j as it is, which Headlamp does not decode',
    (name) => {
      expect(buildPodsPath(name)).toBe(`/c/${name}/pods`);
    },
  );

  it.each([
    ['arn:aws:eks:eu-west-1:1:cluster/prod', '/c/arn:aws:eks:eu-west-1:1:cluster%2Fprod/pods'],
    ['a?b#c', '/c/a%3Fb%23c/pods'],
    ['a%40b', '/c/a%2540b/pods'],
    ['a b', '/c/a%20b/pods'],
  ])('lets %j neither end nor split the segment', (name, path) => {
    expect(buildPodsPath(name)).toBe(path);
  });
});
