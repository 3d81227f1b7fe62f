import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { parse as parseYaml } from 'yaml';
import { CodedError } from '../foundation/errors.ts';
import { asArray, asRecord, asText, isRecord } from '../foundation/unknownValue.ts';
import type { Root, RootUser } from './root.ts';

/**
 * Each context of these files, or those that are named, as a root (DI-02).
 * @throws CodedError `kubeconfig-invalid`
 */
export async function loadKubeconfigRoots(
  files: readonly string[],
  contexts: readonly string[],
): Promise<Root[]> {
  const config = new KubeConfig();
  const tokenFiles = new Map<string, string>();
  let loaded = 0;
  for (const file of files) {
    const next = new KubeConfig();
    const text = await readFile(file, 'utf8').catch(() => undefined);
    // As in kubectl, a file of KUBECONFIG that is not there is none; with one file only, it is an error.
    if (text === undefined) continue;
    try {
      next.loadFromString(text, { onInvalidEntry: 'filter' });
      next.makePathsAbsolute(dirname(file));
      makeCommandsAbsolute(next, dirname(file));
      for (const [user, path] of readTokenFiles(text, dirname(file))) {
        if (!tokenFiles.has(user)) tokenFiles.set(user, path);
      }
    } catch (cause) {
      throw new CodedError('kubeconfig-invalid', `the kubeconfig ${file} is not valid`, { cause });
    }
    mergeFirstWins(config, next);
    loaded++;
  }
  if (loaded === 0)
    throw new CodedError('kubeconfig-invalid', `there is no kubeconfig at ${files.join(', ')}`);
  const missing = contexts.filter((name) => !config.getContextObject(name));
  if (missing.length > 0) {
    throw new CodedError(
      'kubeconfig-invalid',
      `the kubeconfig has no context ${missing.map((name) => `"${name}"`).join(', ')}`,
    );
  }
  const names = contexts.length > 0 ? contexts : config.getContexts().map(({ name }) => name);
  const roots = await Promise.all(names.map((name) => loadContext(config, name, tokenFiles)));
  return roots.filter((root) => root !== undefined);
}

/** In several files the first that names an entry decides, as in client-go's loading rules. */
function mergeFirstWins(into: KubeConfig, next: KubeConfig): void {
  const add = <Entry extends { name: string }>(
    present: readonly Entry[],
    more: readonly Entry[],
  ): Entry[] => {
    const names = new Set(present.map(({ name }) => name));
    return [...present, ...more.filter(({ name }) => !names.has(name))];
  };
  into.loadFromOptions({
    clusters: add(into.clusters, next.clusters),
    users: add(into.users, next.users),
    contexts: add(into.contexts, next.contexts),
    currentContext: into.currentContext || next.currentContext,
  });
}

async function loadContext(
  config: KubeConfig,
  name: string,
  tokenFiles: ReadonlyMap<string, string>,
): Promise<Root | undefined> {
  const context = config.getContextObject(name);
  const cluster = context && config.getCluster(context.cluster);
  if (!context || !cluster) return undefined;
  const user = config.getUser(context.user);
  const ca = await readPem(cluster.caData, cluster.caFile);
  const certificate = await readPem(user?.certData, user?.certFile);
  const key = await readPem(user?.keyData, user?.keyFile);
  const exec: unknown = user?.exec;
  const rootUser: RootUser = {
    ...(user?.token ? { token: user.token } : {}),
    ...(user && tokenFiles.has(user.name) ? { tokenFile: tokenFiles.get(user.name) ?? '' } : {}),
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
function makeCommandsAbsolute(config: KubeConfig, folder: string): void {
  for (const user of config.users) {
    const exec: unknown = user.exec;
    if (isRecord(exec) && typeof exec['command'] === 'string' && exec['command'].includes('/')) {
      Object.assign(exec, { command: resolve(folder, exec['command']) });
    }
  }
}

/** `tokenFile` of each user: the client library knows it only for pods. */
function readTokenFiles(text: string, folder: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const entry of asArray(asRecord(parseYaml(text))['users'])) {
    const { name, user } = asRecord(entry);
    const file = asText(asRecord(user)['tokenFile']);
    if (typeof name === 'string' && file !== undefined) found.set(name, resolve(folder, file));
  }
  return found;
}

async function readPem(data: string | undefined, file: string | undefined): Promise<string | undefined> {
  if (data) return Buffer.from(data, 'base64').toString('utf8');
  // A file that cannot be read leaves the root without it: that root fails with its reason, the others go on (DI-04).
  return file ? readFile(file, 'utf8').catch(() => undefined) : undefined;
}
