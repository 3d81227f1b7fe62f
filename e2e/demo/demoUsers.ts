import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Fleet } from '../parts/fleet.ts';
import { buildKubeconfig } from '../parts/kubeconfig.ts';
import { applyManifest } from '../parts/manifests.ts';
import { grantOnHub, grantOnSpoke, rbacFolder } from '../parts/users.ts';

/** Who signs in at the demo, and what they may there. */
export const demoUsers = [
  { name: 'ana', may: 'everything, everywhere' },
  { name: 'ben', may: 'read the two clusters of payments' },
  { name: 'eve', may: 'see every cluster, and open none' },
  { name: 'nobody', may: 'nothing' },
] as const;

const sidecarUser = 'cluster-inventory-sidecar';
const payments = ['payments-prod-eu-1', 'payments-prod-us-1'];
const rbac = '/apis/rbac.authorization.k8s.io/v1';

/** Whom the hub has to know by tokens. */
export const demoAccounts = [...demoUsers.map(({ name }) => ({ name })), { name: sidecarUser }];

export interface DemoSignIn {
  /** By name. */
  readonly tokens: Readonly<Record<string, string>>;
  /** For the sidecar, with no right that it does not need. */
  readonly sidecarKubeconfigFile: string;
}

/** Gives everyone their rights, on the hub and inside the clusters, and writes `<user>.token`. */
export async function prepareUsers({ hub, spokes, tokens, folder }: Fleet): Promise<DemoSignIn> {
  await grantOnHub(hub, { user: 'ana', role: 'operator' });
  await grantOnHub(hub, { user: 'ben', role: 'viewer', names: payments });
  await grantSeeing(hub, 'eve');
  await applyManifest(hub.client, join(rbacFolder, 'hub-sidecar.yaml'));
  await bindClusterRole(hub, sidecarUser, 'cluster-inventory-sidecar');
  // The dashboard's own cluster is the hub: who signs in there looks around in it.
  await bindClusterRole(hub, 'ana', 'cluster-admin');
  for (const spoke of spokes) {
    await grantOnSpoke(spoke, { user: 'ana', clusterRole: 'cluster-admin' });
    await grantOnSpoke(spoke, { user: 'ben', clusterRole: 'view' });
  }
  const write = (name: string, text: string): string => {
    const file = join(folder, name);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  };
  for (const { name } of demoUsers) write(`${name}.token`, tokens[name] ?? '');
  write('admin.token', tokens['ana'] ?? '');
  const sidecarKubeconfigFile = write(
    'sidecar.kubeconfig',
    buildKubeconfig({
      name: 'hub',
      server: hub.url,
      ca: hub.ca,
      namespace: 'default',
      user: { token: tokens[sidecarUser] ?? '' },
    }),
  );
  return { tokens, sidecarKubeconfigFile };
}

async function grantSeeing(hub: Fleet['hub'], user: string): Promise<void> {
  await hub.client.create(`${rbac}/clusterroles`, {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'clusterprofile-reader' },
    rules: [{ apiGroups: ['multicluster.x-k8s.io'], resources: ['clusterprofiles'], verbs: ['get', 'list'] }],
  });
  await bindClusterRole(hub, user, 'clusterprofile-reader');
}

async function bindClusterRole({ client }: Fleet['hub'], user: string, role: string): Promise<void> {
  const apiGroup = 'rbac.authorization.k8s.io';
  await client.create(`${rbac}/clusterrolebindings`, {
    apiVersion: `${apiGroup}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: { name: `${user}-${role}` },
    roleRef: { apiGroup, kind: 'ClusterRole', name: role },
    subjects: [{ apiGroup, kind: 'User', name: user }],
  });
}
