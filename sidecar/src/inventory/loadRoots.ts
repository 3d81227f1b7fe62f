import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { CodedError } from '../foundation/errors.ts';
import { loadKubeconfigRoots } from './kubeconfigRoots.ts';
import type { Root } from './root.ts';

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
  return loadKubeconfigRoots(files, source.contexts);
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
