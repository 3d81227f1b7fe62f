import { startApiServer, type ApiServer, type ApiServerOptions } from './apiServer.ts';
import { startKwok, type Kwok } from './kwok.ts';
import type { KwokPod } from './kwokConfig.ts';
import { allowImpersonation, grantOnSpoke } from './users.ts';

/** The group of whoever an inventory's credentials stand for; on a spoke it may do everything, or only impersonate. */
export const providersGroup = 'cluster-inventory:providers';
/** The user of that group with a static token. */
export const providerUser = 'cluster-inventory';

export interface SpokeOptions extends ApiServerOptions {
  /** kwok's binary and Stage documents; none starts a spoke without nodes. */
  readonly kwok?: { readonly binary: string; readonly stagesFile: string };
  readonly pods?: readonly KwokPod[];
  /** The provider's user may impersonate and nothing else: a request that forgets to is a 403. */
  readonly impersonation?: boolean;
}

/** A workload cluster: an API server, and a node with running Pods. */
export interface Spoke extends ApiServer {
  readonly pods: readonly KwokPod[];
}

export async function startSpoke({
  kwok,
  pods,
  impersonation = false,
  ...options
}: SpokeOptions): Promise<Spoke> {
  const server = await startApiServer({
    ...options,
    users: [{ name: providerUser, groups: [providersGroup] }, ...(options.users ?? [])],
  });
  let node: Kwok | undefined;
  const stop = async (): Promise<void> => {
    await Promise.all([node?.stop(), server.stop()]);
  };
  try {
    if (impersonation) await allowImpersonation(server, providerUser);
    else await grantOnSpoke(server, { group: providersGroup, clusterRole: 'cluster-admin' });
    if (kwok)
      node = await startKwok({ ...kwok, server, logFolder: options.logFolder, ...(pods ? { pods } : {}) });
  } catch (error) {
    await stop();
    throw error;
  }
  return { ...server, pods: node?.pods ?? [], stop };
}
