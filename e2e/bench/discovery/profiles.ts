import { randomBytes } from 'node:crypto';
import type { Hub } from '../../parts/hub.ts';

/** As an inventory publishes it: labels, properties, conditions, and a way in with a CA of its own. */
export interface BenchProfile {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly status: object;
}

const manager = 'open-cluster-management';

export function buildName(index: number): string {
  return `cluster-${String(index).padStart(4, '0')}`;
}

export function buildProfile(index: number): BenchProfile {
  const name = buildName(index);
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

const atOnce = 32;

/** Writes them as an inventory would: the object, then its status, so many at once. */
export function fillHub(hub: Hub, from: number, to: number, tell: (line: string) => void): Promise<void> {
  return forEachIndex(from, to, async (index) => {
    const { name, labels, status } = buildProfile(index);
    if (index % 500 === 499) tell(`${index + 1} of ${to} profiles are written`);
    await hub.createProfile({ name, labels, displayName: name, clusterManager: manager });
    await hub.patchStatus(name, status);
  });
}

export function emptyHub(hub: Hub, count: number, tell: (line: string) => void): Promise<void> {
  return forEachIndex(0, count, async (index) => {
    if (index % 500 === 499) tell(`${index + 1} of ${count} profiles are deleted`);
    await hub.deleteProfile(buildName(index));
  });
}

async function forEachIndex(from: number, to: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = from;
  const takeTurns = async (): Promise<void> => {
    while (next < to) await work(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, takeTurns));
}

/** Bytes of a profile as the hub lists it, without `managedFields`. */
export async function measureProfileBytes(hub: Hub): Promise<number> {
  const { metadata, ...rest } = await hub.client.get(hub.profilePath(buildName(0)));
  const { managedFields: _bookkeeping, ...kept } = metadata;
  return Buffer.byteLength(JSON.stringify({ ...rest, metadata: kept }));
}
