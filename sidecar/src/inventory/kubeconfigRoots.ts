import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
// Its reader of entries alone: the whole of the client library is 0.4 s of a start and 90 MB, for what is not used here.
import {
  ActionOnInvalid,
  type Cluster,
  type Context,
  newClusters,
  newContexts,
  newUsers,
  type User,
} from '@kubernetes/client-node/dist/config_types.js';
// Takes a sixth of the time that the reader of our own files takes, which knows where each node stands.
import { loadAll } from 'js-yaml';
import { CodedError } from '../foundation/errors.ts';
import { asArray, asRecord, asText, isRecord, type UnknownRecord } from '../foundation/unknownValue.ts';
import type { Root, RootUser } from './root.ts';

/** By name. In several files the first that names an entry decides, as in client-go's loading rules. */
interface Kubeconfig {
  readonly clusters: Map<string, Cluster>;
  readonly users: Map<string, User>;
  readonly contexts: Map<string, Context>;
  /** `tokenFile` of users: the client library knows it only for pods. */
  readonly tokenFiles: Map<string, string>;
}

/**
 * Each context of these files, or those that are named, as a root (DI-02).
 * @throws CodedError `kubeconfig-invalid`
 */
export async function loadKubeconfigRoots(
  files: readonly string[],
  contexts: readonly string[],
): Promise<Root[]> {
  const config: Kubeconfig = {
    clusters: new Map(),
    users: new Map(),
    contexts: new Map(),
    tokenFiles: new Map(),
  };
  let loaded = 0;
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(() => undefined);
    // As in kubectl, a file of KUBECONFIG that is not there is none; with one file only, it is an error.
    if (text === undefined) continue;
    try {
      // An empty one is one without entries; of several documents the first counts, as in client-go.
      const [content] = loadAll(text);
      addFile(config, asRecord(content), dirname(file));
    } catch (cause) {
      throw new CodedError('kubeconfig-invalid', `the kubeconfig ${file} is not valid`, { cause });
    }
    loaded++;
  }
  if (loaded === 0)
    throw new CodedError('kubeconfig-invalid', `there is no kubeconfig at ${files.join(', ')}`);
  const missing = contexts.filter((name) => !config.contexts.has(name));
  if (missing.length > 0) {
    throw new CodedError(
      'kubeconfig-invalid',
      `the kubeconfig has no context ${missing.map((name) => `"${name}"`).join(', ')}`,
    );
  }
  const names = contexts.length > 0 ? contexts : [...config.contexts.keys()];
  const roots = await Promise.all(names.map((name) => loadContext(config, name)));
  return roots.filter((root) => root !== undefined);
}

/** Paths are meant from where the file lies. Entries that say too little are left out. */
function addFile(config: Kubeconfig, content: UnknownRecord, folder: string): void {
  const options = { onInvalidEntry: ActionOnInvalid.FILTER };
  const absolute = (path: string | undefined): string | undefined => path && resolve(folder, path);
  addMissing(
    config.clusters,
    newClusters(content['clusters'], options).map((cluster) =>
      Object.assign(cluster, { caFile: absolute(cluster.caFile) }),
    ),
  );
  addMissing(
    config.users,
    newUsers(content['users'], options).map((user) => {
      makeCommandAbsolute(user, folder);
      return Object.assign(user, { certFile: absolute(user.certFile), keyFile: absolute(user.keyFile) });
    }),
  );
  addMissing(config.contexts, newContexts(content['contexts'], options));
  for (const entry of asArray(content['users'])) {
    const { name, user } = asRecord(entry);
    const file = asText(asRecord(user)['tokenFile']);
    if (typeof name === 'string' && file !== undefined && !config.tokenFiles.has(name))
      config.tokenFiles.set(name, resolve(folder, file));
  }
}

function addMissing<Entry extends { readonly name: string }>(
  present: Map<string, Entry>,
  more: readonly Entry[],
): void {
  for (const entry of more) if (!present.has(entry.name)) present.set(entry.name, entry);
}

async function loadContext(config: Kubeconfig, name: string): Promise<Root | undefined> {
  const context = config.contexts.get(name);
  const cluster = context && config.clusters.get(context.cluster);
  if (!context || !cluster) return undefined;
  const user = config.users.get(context.user);
  const tokenFile = config.tokenFiles.get(context.user);
  const ca = await readPem(cluster.caData, cluster.caFile);
  const certificate = await readPem(user?.certData, user?.certFile);
  const key = await readPem(user?.keyData, user?.keyFile);
  const exec: unknown = user?.exec;
  const rootUser: RootUser = {
    ...(user?.token ? { token: user.token } : {}),
    ...(user && tokenFile !== undefined ? { tokenFile } : {}),
    ...(user?.username !== undefined && user.password !== undefined
      ? { basic: { username: user.username, password: user.password } }
      : {}),
    ...(certificate !== undefined && key !== undefined ? { clientCertificate: { certificate, key } } : {}),
    ...(isRecord(exec) ? { exec } : {}),
  };
  return {
    name: `store/${name}`,
    defaultNamespace: context.namespace ?? 'default',
    server: cluster.server,
    ...(ca === undefined ? {} : { ca }),
    ...(cluster.tlsServerName ? { serverName: cluster.tlsServerName } : {}),
    insecureSkipVerify: cluster.skipTLSVerify,
    ...(cluster.proxyUrl ? { proxyUrl: cluster.proxyUrl } : {}),
    user: rootUser,
  };
}

/** A plugin's path is meant from where the kubeconfig lies, as in client-go; a bare name is looked up on PATH. */
function makeCommandAbsolute({ exec }: User, folder: string): void {
  const plugin: unknown = exec;
  if (isRecord(plugin) && typeof plugin['command'] === 'string' && plugin['command'].includes('/'))
    Object.assign(plugin, { command: resolve(folder, plugin['command']) });
}

async function readPem(data: string | undefined, file: string | undefined): Promise<string | undefined> {
  if (data) return Buffer.from(data, 'base64').toString('utf8');
  // A file that cannot be read leaves the root without it: that root fails with its reason, the others go on (DI-04).
  return file ? readFile(file, 'utf8').catch(() => undefined) : undefined;
}
