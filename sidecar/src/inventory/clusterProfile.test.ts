import { describe, expect, it } from 'vitest';
import { decodeClusterProfile } from './clusterProfile.ts';

const metadata = { name: 'a', namespace: 'fleet', uid: 'u' };

describe('[DI-35] a ClusterProfile decoded', () => {
  it('needs nothing but its name, namespace and UID', () => {
    expect(decodeClusterProfile({ metadata })).toEqual({
      namespace: 'fleet',
      name: 'a',
      uid: 'u',
      resourceVersion: '',
      labels: {},
      properties: [],
      conditions: [],
      accessProviders: [],
    });
  });

  it('takes null as absent, everywhere', () => {
    const nulls = {
      metadata: { ...metadata, labels: null, deletionTimestamp: null },
      spec: { displayName: null, clusterManager: null },
      status: {
        conditions: null,
        properties: null,
        version: null,
        accessProviders: null,
        credentialProviders: null,
      },
    };
    expect(decodeClusterProfile(nulls)).toEqual(decodeClusterProfile({ metadata }));
  });

  it('leaves out the entries that have the wrong shape and keeps the others', () => {
    const decoded = decodeClusterProfile({
      metadata: { ...metadata, labels: { good: 'x', bad: 7 } },
      status: {
        conditions: [null, 'x', { type: 'ControlPlaneHealthy', status: 'Maybe' }, { status: 'True' }],
        properties: [{ name: 'a', value: '1', lastObservedTime: 't' }, { name: 'b' }, { value: 'c' }],
        accessProviders: [{ name: 'p', cluster: null }, { cluster: {} }, 7],
      },
    });
    expect(decoded?.labels).toEqual({ good: 'x' });
    expect(decoded?.conditions).toEqual([{ type: 'ControlPlaneHealthy', status: 'Unknown' }]);
    expect(decoded?.properties).toEqual([{ name: 'a', value: '1', lastObservedTime: 't' }]);
    expect(decoded?.accessProviders).toEqual([{ name: 'p', cluster: {} }]);
  });

  it('a label named __proto__ is a label', () => {
    const decoded = decodeClusterProfile(
      JSON.parse('{"metadata":{"name":"a","namespace":"n","uid":"u","labels":{"__proto__":"x"}}}'),
    );
    expect(Object.keys(decoded?.labels ?? {})).toEqual(['__proto__']);
  });

  it.each([
    null,
    'text',
    [],
    {},
    { metadata: {} },
    { metadata: { name: 'a', namespace: 'n' } },
    { kind: 'Pod', metadata },
    { apiVersion: 'config.projectsveltos.io/v1beta1', kind: 'ClusterProfile', metadata },
  ])('%j is not one', (value) => {
    expect(decodeClusterProfile(value)).toBeUndefined();
  });
});
