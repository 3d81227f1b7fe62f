import { describe, expect, it } from 'vitest';
import { describeSource, resolveSource } from './source.ts';

describe('source', () => {
  it.each([
    ['cluster_inventory', 'Cluster Inventory'],
    ['kubeconfig', 'Kubeconfig'],
    ['incluster', 'In-cluster'],
    ['in_cluster', 'In-cluster'],
    ['dynamic_cluster', 'Plugin'],
  ])('UI-01: says of %j: %s', (configSource, word) => {
    expect(describeSource(resolveSource(configSource))).toBe(word);
  });

  it.each([undefined, '', 'KUBECONFIG', 'constructor', '__proto__'])(
    'does not guess a source from %j',
    (configSource) => {
      expect(describeSource(resolveSource(configSource))).toBe('Unknown');
    },
  );
});
