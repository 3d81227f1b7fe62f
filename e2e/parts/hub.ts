import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { startApiServer, type ApiServer, type ApiServerOptions } from './apiServer.ts';
import type { KubeObject } from './kubeClient.ts';
import { until } from './until.ts';

const group = 'multicluster.x-k8s.io';
export const clusterProfileApiVersion = `${group}/v1alpha1`;

/** An entry of a profile's `status.accessProviders`. */
export interface AccessProvider {
  readonly name: string;
  readonly cluster: {
    readonly server: string;
    readonly 'certificate-authority-data'?: string;
    readonly extensions?: readonly { readonly name: string; readonly extension: unknown }[];
    readonly [key: string]: unknown;
  };
}

export interface ProfileOptions {
  readonly name: string;
  readonly namespace?: string;
  readonly displayName?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly clusterManager?: string;
}

/** An API server with the ClusterProfile CRD, and the writes of an inventory. Namespaces default to `default`. */
export interface Hub extends ApiServer {
  profilePath(name: string, namespace?: string): string;
  createProfile(options: ProfileOptions): Promise<KubeObject>;
  patchProfile(name: string, patch: object, namespace?: string): Promise<KubeObject>;
  patchStatus(name: string, status: object, namespace?: string): Promise<KubeObject>;
  deleteProfile(name: string, namespace?: string): Promise<void>;
}

export interface HubOptions extends ApiServerOptions {
  /** The file of the CRD; none starts a hub that has no inventory yet. */
  readonly crdFile?: string;
}

export async function startHub({ crdFile, ...options }: HubOptions): Promise<Hub> {
  const server = await startApiServer(options);
  try {
    if (crdFile !== undefined) await installClusterProfileCrd(server, crdFile);
  } catch (error) {
    await server.stop();
    throw error;
  }
  const profilesPath = (namespace: string): string =>
    `/apis/${clusterProfileApiVersion}/namespaces/${namespace}/clusterprofiles`;
  const profilePath = (name: string, namespace = 'default'): string => `${profilesPath(namespace)}/${name}`;
  const { client } = server;
  return {
    ...server,
    profilePath,
    createProfile: ({ name, namespace = 'default', displayName, labels, clusterManager = 'parts' }) =>
      client.create(profilesPath(namespace), {
        apiVersion: clusterProfileApiVersion,
        kind: 'ClusterProfile',
        metadata: { name, namespace, ...(labels === undefined ? {} : { labels }) },
        spec: {
          clusterManager: { name: clusterManager },
          ...(displayName === undefined ? {} : { displayName }),
        },
      }),
    patchProfile: (name, patch, namespace) => client.patch(profilePath(name, namespace), patch),
    patchStatus: (name, status, namespace) => client.patchStatus(profilePath(name, namespace), status),
    deleteProfile: (name, namespace) => client.delete(profilePath(name, namespace)),
  };
}

/** Installs the CRD and waits until it is established and served. */
export async function installClusterProfileCrd({ client, name }: ApiServer, crdFile: string): Promise<void> {
  const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/clusterprofiles.${group}`;
  // Written in the module's repository, for our pinned version of it.
  await client.apply(path, parse(readFileSync(crdFile, 'utf8')) as KubeObject);
  await until(
    async () => (await client.raw('GET', `/apis/${clusterProfileApiVersion}/clusterprofiles`)).status === 200,
    {
      timeoutMs: 30_000,
      message: `${name} serves ClusterProfiles`,
    },
  );
}
