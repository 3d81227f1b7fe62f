import { stringify } from 'yaml';

export interface KubeconfigCluster {
  /** Names the context, the cluster and the user. */
  readonly name: string;
  readonly server: string;
  /** PEM; none for plain http. */
  readonly ca?: string;
  readonly namespace?: string;
  readonly user: { readonly token: string } | { readonly certificate: string; readonly key: string };
}

/** The text of a kubeconfig with one context for each cluster, the first of them current. */
export function buildKubeconfig(...clusters: readonly [KubeconfigCluster, ...KubeconfigCluster[]]): string {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: clusters.map(({ name, server, ca }) => ({
        name,
        cluster: { server, ...(ca === undefined ? {} : { 'certificate-authority-data': base64(ca) }) },
      })),
      users: clusters.map(({ name, user }) => ({
        name,
        user:
          'token' in user
            ? { token: user.token }
            : { 'client-certificate-data': base64(user.certificate), 'client-key-data': base64(user.key) },
      })),
      contexts: clusters.map(({ name, namespace }) => ({
        name,
        context: { cluster: name, user: name, ...(namespace === undefined ? {} : { namespace }) },
      })),
      'current-context': clusters[0].name,
    },
    { lineWidth: 0 },
  );
}
