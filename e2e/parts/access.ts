import type { AccessProvider, Hub } from './hub.ts';
import type { ApiServer } from './apiServer.ts';
import { buildKubeconfig } from './kubeconfig.ts';
import { providersGroup, providerUser } from './spoke.ts';

/** The reference plugins of cluster-inventory-api, by the names that profiles and provider files use. */
export type ReferencePlugin = 'secretreader' | 'kubeconfig-secretreader';

export interface AccessOptions {
  /** The Secret's name on the hub; the spoke's if not told. */
  readonly secretName?: string;
  /** `default` if not told. For secretreader it has to be the namespace of the kubeconfig the plugin runs with. */
  readonly namespace?: string;
}

/** The extension that a plugin gets as `spec.cluster.config`. */
export const execExtension = 'client.authentication.k8s.io/exec';

/** What a profile publishes about a spoke, for `status.accessProviders`. */
export function buildAccessProvider(
  name: string,
  { url, ca }: Pick<ApiServer, 'url' | 'ca'>,
  config: object,
): AccessProvider {
  return {
    name,
    cluster: {
      server: url,
      'certificate-authority-data': Buffer.from(ca).toString('base64'),
      extensions: [{ name: execExtension, extension: config }],
    },
  };
}

/** Writes a token of the spoke into a Secret of the hub, for `secretreader`. Written again, it replaces the token. */
export async function grantBySecretReader(
  hub: Hub,
  spoke: ApiServer,
  {
    secretName = spoke.name,
    namespace = 'default',
    token = spoke.tokens[providerUser] ?? '',
  }: AccessOptions & { readonly token?: string } = {},
): Promise<AccessProvider> {
  await applySecret(hub, namespace, secretName, { token });
  return buildAccessProvider('secretreader', spoke, { clusterName: secretName });
}

/** Writes a kubeconfig with a client certificate of the spoke into a Secret of the hub, for `kubeconfig-secretreader`. */
export async function grantByKubeconfigSecretReader(
  hub: Hub,
  spoke: ApiServer,
  { secretName = `${spoke.name}-kubeconfig`, namespace = 'default' }: AccessOptions = {},
): Promise<AccessProvider> {
  const user = await spoke.certificateAuthority.issueClient({
    commonName: providerUser,
    organizations: [providersGroup],
  });
  const kubeconfig = buildKubeconfig({ name: spoke.name, server: spoke.url, ca: spoke.ca, user });
  await applySecret(hub, namespace, secretName, { kubeconfig });
  return buildAccessProvider('kubeconfig-secretreader', spoke, {
    name: secretName,
    key: 'kubeconfig',
    namespace,
  });
}

/** Publishes a spoke whose plugin fails: `secretreader` exits 1, since the Secret is not there. */
export function buildFailingAccess(spoke: ApiServer, secretName = `${spoke.name}-absent`): AccessProvider {
  return buildAccessProvider('secretreader', spoke, { clusterName: secretName });
}

export interface ProviderFileOptions {
  /** The path of each plugin's binary. */
  readonly commands: Readonly<Record<ReferencePlugin, string>>;
  /** The plugins find the hub by this kubeconfig. */
  readonly hubKubeconfigFile: string;
}

/** The provider file of the reference plugins, in their upstream format. */
export function buildProviderFile({ commands, hubKubeconfigFile }: ProviderFileOptions): object {
  return {
    providers: Object.entries(commands).map(([name, command]) => ({
      name,
      execConfig: {
        apiVersion: 'client.authentication.k8s.io/v1',
        command,
        args: null,
        env: [{ name: 'KUBECONFIG', value: hubKubeconfigFile }],
        provideClusterInfo: true,
        interactiveMode: 'Never',
      },
    })),
  };
}

async function applySecret(
  { client }: Hub,
  namespace: string,
  name: string,
  texts: Readonly<Record<string, string>>,
): Promise<void> {
  await client.apply(`/api/v1/namespaces/${namespace}/secrets/${name}`, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace },
    data: Object.fromEntries(
      Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
    ),
  });
}
