import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { parse as parseYaml } from 'yaml';
import { CodedError } from '../foundation/errors.ts';
import { asArray, asRecord, asText, isRecord } from '../foundation/unknownValue.ts';
import type { Root, RootUser } from './root.ts';

export interface RootSource {
  /** `--kubeconfig`; empty for none. */
  readonly kubeconfig: string;
  /** `--contexts`; empty for all. */
  readonly contexts: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where a pod finds its ServiceAccount; Kubernetes decides. */
  readonly serviceAccountFolder?: string;
}

const usualServiceAccountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The files that the roots are read from, for a watch; empty in a pod. */
export function kubeconfigFiles({ kubeconfig, environment }: RootSource): string[] {
  if (kubeconfig !== '') return [resolve(kubeconfig)];
  const listed = (environment['KUBECONFIG'] ?? '').split(delimiter).filter((file) => file !== '');
  if (listed.length > 0) return listed.map((file) => resolve(file));
  return isInPod(environment) ? [] : [join(homedir(), '.kube', 'config')];
}

/**
 * The hubs to watch: in a pod the cluster it runs in, else each context of the kubeconfig (DI-01, DI-02).
 * @throws CodedError `kubeconfig-invalid`
 */
export async function loadRoots(source: RootSource): Promise<Root[]> {
  const files = kubeconfigFiles(source);
  if (files.length === 0) return [await loadInClusterRoot(source)];
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
  const missing = source.contexts.filter((name) => !config.getContextObject(name));
  if (missing.length > 0) {
    throw new CodedError(
      'kubeconfig-invalid',
      `the kubeconfig has no context ${missing.map((name) => `"${name}"`).join(', ')}`,
    );
  }
  const names = source.contexts.length > 0 ? source.contexts : config.getContexts().map(({ name }) => name);
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

function isInPod(environment: RootSource['environment']): boolean {
  return (
    (environment['KUBERNETES_SERVICE_HOST'] ?? '') !== '' &&
    (environment['KUBERNETES_SERVICE_PORT'] ?? '') !== ''
  );
}

async function loadInClusterRoot({
  environment,
  serviceAccountFolder = usualServiceAccountFolder,
}: RootSource): Promise<Root> {
  const host = environment['KUBERNETES_SERVICE_HOST'] ?? '';
  const port = environment['KUBERNETES_SERVICE_PORT'] ?? '';
  const read = (name: string): Promise<string> =>
    readFile(join(serviceAccountFolder, name), 'utf8').catch((cause: unknown) => {
      throw new CodedError('kubeconfig-invalid', `the pod has no ServiceAccount (${name} cannot be read)`, {
        cause,
      });
    });
  const [ca, namespace] = await Promise.all([read('ca.crt'), read('namespace'), read('token')]);
  return {
    name: 'in-cluster',
    defaultNamespace: namespace.trim(),
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    ca,
    insecureSkipVerify: false,
    user: { tokenFile: join(serviceAccountFolder, 'token') },
  };
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
