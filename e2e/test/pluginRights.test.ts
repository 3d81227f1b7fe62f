import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ClusterDetail, ClustersResponse } from '../../sidecar/src/api/clusterTypes.ts';
import { buildProviderFile, grantByKubeconfigSecretReader } from '../parts/access.ts';
import { startBareDashboard } from '../parts/bareDashboard.ts';
import { type Fleet, startFleet } from '../parts/fleet.ts';
import { buildKubeconfig } from '../parts/kubeconfig.ts';
import { readManifest } from '../parts/manifests.ts';
import { type SidecarProcess, startSidecar } from '../parts/sidecar.ts';
import { until } from '../parts/until.ts';
import { rbacFolder } from '../parts/users.ts';

/** The plugin runs as somebody who may read the Secrets of `default` alone, by the manifest that people get. */

const pluginUser = 'plugin';
const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/default';

let fleet: Fleet;
let sidecar: SidecarProcess;

beforeAll(async () => {
  fleet = await startFleet({ spokes: 1, pods: false, users: [{ name: pluginUser, groups: [] }] });
  const { hub, binaries, folder, logFolder, hubKubeconfigFile, tokens } = fleet;
  const [role] = readManifest(join(rbacFolder, 'hub-plugin.yaml'));
  if (!role) throw new Error('no Role');
  await hub.client.apply(`${rbac}/roles/${role.metadata.name}`, role);
  await hub.client.apply(`${rbac}/rolebindings/${role.metadata.name}`, {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name: role.metadata.name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: role.metadata.name },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: pluginUser }],
  });
  const pluginKubeconfigFile = join(folder, 'plugin.kubeconfig');
  const user = { token: tokens[pluginUser] ?? '' };
  writeFileSync(pluginKubeconfigFile, buildKubeconfig({ name: 'hub', server: hub.url, ca: hub.ca, user }));
  const providerFile = join(folder, 'plugin-providers.json');
  const commands = {
    secretreader: binaries.programs.secretreader.path,
    'kubeconfig-secretreader': binaries.programs['kubeconfig-secretreader'].path,
  };
  writeFileSync(
    providerFile,
    JSON.stringify(buildProviderFile({ commands, hubKubeconfigFile: pluginKubeconfigFile })),
  );
  const dashboard = await startBareDashboard();
  sidecar = await startSidecar({
    providerFile,
    kubeconfigFile: hubKubeconfigFile,
    dashboardUrl: dashboard.url,
    logFolder,
    extraArgs: ['--auth=none'],
  });
  return async () => {
    await sidecar.stop();
    await dashboard.close();
    await fleet.stop();
  };
});

/** A profile whose extension names a Secret in this namespace. @returns the cluster's name in addresses */
async function publish(profile: string, namespace: string): Promise<string> {
  const { hub, spokes } = fleet;
  const [spoke] = spokes;
  if (!spoke) throw new Error('no spoke');
  const provider = await grantByKubeconfigSecretReader(hub, spoke, { secretName: profile, namespace });
  await hub.createProfile({ name: profile, displayName: profile });
  await hub.patchStatus(profile, { accessProviders: [provider] });
  let name: string | undefined;
  await until(
    async () => {
      const answer = await fetch(`${sidecar.url}/cluster-inventory/v1/clusters`);
      const { clusters } = (await answer.json()) as ClustersResponse;
      const found = clusters.find((each) => each.profileName === profile);
      name = found?.access.state === 'not-checked' ? found.name : undefined;
      return name !== undefined;
    },
    { timeoutMs: 10_000, message: `${profile} is listed` },
  );
  return name ?? '';
}

describe('a profile that names a Secret', () => {
  it('of the plugin’s namespace gets it', async () => {
    const name = await publish('own', 'default');
    expect((await fetch(`${sidecar.url}/clusters/${name}/api/v1/namespaces`)).status).toBe(200);
  });

  it('[TH-26] of another namespace gets nothing: the plugin’s account may not read it', async () => {
    const name = await publish('other', 'kube-system');
    const answer = await fetch(`${sidecar.url}/clusters/${name}/api/v1/namespaces`);
    expect([answer.status, answer.headers.get('x-cluster-inventory-error')]).toEqual([502, 'plugin-exited']);
    const detail = await fetch(`${sidecar.url}/cluster-inventory/v1/clusters/${name}`);
    const { access, diagnosis } = (await detail.json()) as ClusterDetail;
    expect(access).toMatchObject({ state: 'credential-failed', code: 'plugin-exited' });
    expect(diagnosis).toContain('forbidden');
  });
});
