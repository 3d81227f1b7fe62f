import { expect, it } from 'vitest';
import { createClusterEntry } from '../../test/support/clusterEntry.ts';
import type { ClusterEntry } from '../clusters/clusterEntry.ts';
import type { ClusterName } from '../clusters/clusterName.ts';
import { createClusterPieces } from './configPieces.ts';
import { mergeConfig } from './mergeConfig.ts';

function merge(config: unknown, entries: readonly ClusterEntry[], hubContextName?: string): unknown {
  const pieces = mergeConfig(config, { entries, isAll: true }, hubContextName, createClusterPieces());
  return JSON.parse(Buffer.concat(pieces.map(({ bytes }) => bytes)).toString());
}

const entry = (name: string): ClusterEntry =>
  createClusterEntry(name as ClusterName, 'a', {
    status: {
      version: { kubernetes: 'v1.33.4' },
      conditions: [{ type: 'ControlPlaneHealthy', status: 'True', reason: 'Fine' }],
      properties: [{ name: 'id.k8s.io', value: 'x' }],
      accessProviders: [{ name: 'p', cluster: { server: 'https://secret-address.example.com' } }],
    },
  });

it('adds the discovered clusters behind the dashboard’s own, in the shape of Headlamp core', () => {
  const config = {
    isDynamicClusterEnabled: false,
    clusters: [{ name: 'main', auth_type: 'oidc', meta_data: { source: 'incluster' } }],
  };
  expect(merge(config, [entry('cluster-inventory-a')])).toEqual({
    ...config,
    clusters: [
      ...config.clusters,
      {
        name: 'cluster-inventory-a',
        auth_type: '',
        meta_data: {
          source: 'cluster_inventory',
          namespace: '',
          extensions: null,
          origin: { kubeconfig: '' },
          originalName: 'cluster-inventory-a',
          clusterInventory: {
            profile: { namespace: 'fleet', name: 'a', key: 'in-cluster/fleet/a' },
            conditions: [{ type: 'ControlPlaneHealthy', status: 'True', reason: 'Fine' }],
            version: { kubernetes: 'v1.33.4' },
            properties: [{ name: 'id.k8s.io', value: 'x' }],
          },
        },
      },
    ],
  });
});

it('[ID-05] asks for the sign-in of the hub', () => {
  const config = { clusters: [{ name: 'other' }, { name: 'main', auth_type: 'oidc' }] };
  expect(merge(config, [entry('a')], 'main')).toMatchObject({
    clusters: [{}, {}, { name: 'a', auth_type: 'oidc' }],
  });
});

it('tells nobody where a cluster’s API server is', () => {
  expect(JSON.stringify(merge({ clusters: [] }, [entry('a')], 'main'))).not.toContain('secret-address');
});

it('[S10] leaves a cluster of the dashboard’s own with the same name untouched', () => {
  const own = { name: 'cluster-inventory-a', meta_data: { source: 'kubeconfig' } };
  expect(merge({ clusters: [own] }, [entry('cluster-inventory-a')], 'main')).toEqual({
    clusters: [own],
  });
});

it('[PX-46] an answer that is no configuration stays as it is', () => {
  expect(merge('text', [entry('a')], 'main')).toBe('text');
  expect(merge({}, [], 'main')).toEqual({ clusters: [] });
});
