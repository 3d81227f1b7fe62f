import { startApiServer, type ApiServer, type ApiServerOptions } from './apiServer.ts';
import { startKwok, type Kwok } from './kwok.ts';
import type { KwokPod } from './kwokConfig.ts';

/** The group of whoever an inventory's credentials stand for; on a spoke it may do everything. */
export const providersGroup = 'cluster-inventory:providers';
/** The user of that group with a static token. */
export const providerUser = 'cluster-inventory';

export interface SpokeOptions extends ApiServerOptions {
  /** kwok's binary and Stage documents; none starts a spoke without nodes. */
  readonly kwok?: { readonly binary: string; readonly stagesFile: string };
  readonly pods?: readonly KwokPod[];
}

/** A workload cluster: an API server, and a node with running Pods. */
export interface Spoke extends ApiServer {
  readonly pods: readonly KwokPod[];
}

export async function startSpoke({ kwok, pods, ...options }: SpokeOptions): Promise<Spoke> {
  const server = await startApiServer({
    ...options,
    users: [{ name: providerUser, groups: [providersGroup] }, ...(options.users ?? [])],
  });
  let node: Kwok | undefined;
  const stop = async (): Promise<void> => {
    await Promise.all([node?.stop(), server.stop()]);
  };
  try {
    await server.client.create('/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: providersGroup },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: providersGroup }],
    });
    if (kwok)
      node = await startKwok({ ...kwok, server, logFolder: options.logFolder, ...(pods ? { pods } : {}) });
  } catch (error) {
    await stop();
    throw error;
  }
  return { ...server, pods: node?.pods ?? [], stop };
}
