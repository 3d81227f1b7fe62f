import { randomBytes } from 'node:crypto';
import type { Hub } from '../../parts/hub.ts';

/** As an inventory publishes it: labels, properties, conditions, and a way in with a CA of its own. */
export interface BenchProfile {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly status: object;
}

const manager = 'open-cluster-management';

export function buildProfile(index: number): BenchProfile {
  const name = `cluster-${String(index).padStart(4, '0')}`;
  return {
    name,
    labels: {
      'x-k8s.io/cluster-manager': manager,
      'open-cluster-management.io/cluster-name': name,
      region: `region-${index % 12}`,
      env: index % 3 === 0 ? 'prod' : 'test',
    },
    status: {
      version: { kubernetes: 'v1.33.4' },
      properties: [
        { name: 'id.k8s.io', value: crypto.randomUUID() },
        { name: 'platform.open-cluster-management.io', value: 'Other' },
        { name: 'product.open-cluster-management.io', value: 'Other' },
      ],
      conditions: ['ControlPlaneHealthy', 'Joined'].map((type) => ({
        type,
        status: 'True',
        reason: 'ManagedClusterAvailable',
        message: 'Managed cluster is available',
        lastTransitionTime: '2026-08-01T09:00:00Z',
      })),
      accessProviders: [
        {
          name: 'bench',
          cluster: {
            server: `https://${name}.clusters.example.com:6443`,
            'certificate-authority-data': buildCa(),
            extensions: [{ name: 'client.authentication.k8s.io/exec', extension: { clusterName: name } }],
          },
        },
      ],
    },
  };
}

/** As long as one of an RSA key; nobody connects by it. */
function buildCa(): string {
  const lines =
    randomBytes(820)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  const pem = ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
  return Buffer.from(pem).toString('base64');
}

/** Writes them as an inventory would: the object, then its status, so many at once. */
export async function fillHub(
  hub: Hub,
  from: number,
  to: number,
  tell: (line: string) => void,
): Promise<void> {
  let next = from;
  const write = async (): Promise<void> => {
    while (next < to) {
      const { name, labels, status } = buildProfile(next++);
      if (next % 500 === 0) tell(`${next} of ${to} profiles are written`);
      await hub.createProfile({ name, labels, displayName: name, clusterManager: manager });
      await hub.patchStatus(name, status);
    }
  };
  await Promise.all(Array.from({ length: 32 }, write));
}

/** Bytes of a profile as the hub lists it, without `managedFields`. */
export async function measureProfileBytes(hub: Hub): Promise<number> {
  const { metadata, ...rest } = await hub.client.get(hub.profilePath(buildProfile(0).name));
  const { managedFields: _bookkeeping, ...kept } = metadata;
  return Buffer.byteLength(JSON.stringify({ ...rest, metadata: kept }));
}
