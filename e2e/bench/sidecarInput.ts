import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SidecarProcess } from '../parts/sidecar.ts';
import { until } from '../parts/until.ts';
import type { HubProfile } from './processes/hub.ts';
import { buildToken } from './tokens.ts';

const apiVersion = 'client.authentication.k8s.io/v1';

export interface SidecarFiles {
  readonly providers: string;
  readonly kubeconfig: string;
  readonly policy: string;
}

/** A plugin that answers at once, and the API server that asks it. */
export function writeSidecarFiles(folder: string, hubUrl: string): SidecarFiles {
  const write = (name: string, value: object): string => {
    const file = join(folder, name);
    writeFileSync(file, JSON.stringify(value));
    return file;
  };
  const command = join(folder, 'plugin');
  const credential = { apiVersion, kind: 'ExecCredential', status: { token: buildToken('provider') } };
  writeFileSync(command, `#!/bin/sh\necho '${JSON.stringify(credential)}'\n`);
  chmodSync(command, 0o755);
  return {
    providers: write('providers.json', {
      providers: [{ name: 'bench', execConfig: { apiVersion, command } }],
    }),
    kubeconfig: write('kubeconfig.json', {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'hub', cluster: { server: hubUrl } }],
      users: [{ name: 'sidecar', user: { token: 'of-the-sidecar' } }],
      contexts: [{ name: 'hub', context: { cluster: 'hub', user: 'sidecar' } }],
      'current-context': 'hub',
    }),
    policy: write('policy.json', {
      apiVersion: 'cluster-inventory.headlamp.dev/v1alpha1',
      kind: 'AccessPolicy',
      defaults: { allowedServers: ['127.0.0.1:*'] },
    }),
  };
}

/** One that the provider of these files has the credential for. */
export function buildProfile(namespace: string, name: string, cluster: object): HubProfile {
  return {
    apiVersion: 'multicluster.x-k8s.io/v1alpha1',
    kind: 'ClusterProfile',
    metadata: {
      name,
      namespace,
      uid: `uid-${namespace}-${name}`,
      resourceVersion: '1',
      labels: { region: 'eu' },
    },
    spec: { displayName: `Cluster ${name}`, clusterManager: { name: 'bench' } },
    status: {
      version: { kubernetes: '1.36.0' },
      properties: [{ name: 'location', value: 'eu-west-1' }],
      conditions: [{ type: 'ControlPlaneHealthy', status: 'True', reason: 'Healthy', message: '' }],
      accessProviders: [{ name: 'bench', cluster }],
    },
  };
}

export interface ServedCluster {
  /** As in its path. */
  readonly name: string;
  readonly namespace: string;
}

/** What a sidecar serves, once it is so many. */
export function listServed(
  { url }: SidecarProcess,
  count: number,
  token?: string,
): Promise<readonly ServedCluster[]> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return until(
    async () => {
      const response = await fetch(`${url}/cluster-inventory/v1/clusters`, { headers });
      const { clusters } = (await response.json()) as { readonly clusters: readonly ServedCluster[] };
      return clusters.length === count && clusters;
    },
    { timeoutMs: 30_000, message: 'all profiles are served' },
  );
}
