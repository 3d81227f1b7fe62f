/** What is to come of a provider file as a whole, and of the provider files that it has in it. */
export interface ProviderFileOutcome {
  /** Why a sidecar does not start with it as it is; absent where it does. */
  readonly refused?: string;
  /** The provider files in it, by where: the document, then the keys that lead to the list. */
  readonly inside?: readonly (readonly [number, ...string[]])[];
  /** Of the file itself, or of those in it, in the order of the file: `<name>: <command> <args…>`. */
  readonly providers: readonly string[];
  /** `<name>: <fault>` of each entry that cannot be used. */
  readonly disabled?: readonly string[];
}

const v1Versions = 'not one of client.authentication.k8s.io/v1, client.authentication.k8s.io/v1beta1';
const kubelogin =
  'aks-workload-identity: kubelogin get-token --login workloadidentity --federated-token-file /var/run/secrets/tokens/azure-identity-token';

/** Every file beside the profiles, by the rules AC-01 and AC-02 of docs/contracts/access.md. Written by hand. */
export const providerFiles: Readonly<Record<string, ProviderFileOutcome>> = {
  'aks-kubelogin.json': { providers: [kubelogin] },
  'aks-kubelogin-no-policy.json': { providers: [kubelogin] },
  'argocd-agent.json': { providers: ['argocd-agent: /plugins/argocd-agent-creds'] },
  // A cluster of Argo CD, and no provider file in any of it.
  'argocd-cluster-secret.yaml': { refused: 'has no list "providers"', providers: [] },
  'argocd-k8s-auth.json': {
    providers: [
      'argo-cd-builtin-gcp: argocd-k8s-auth gcp',
      'argo-cd-builtin-aws: argocd-k8s-auth aws',
      'argo-cd-builtin-azure: argocd-k8s-auth azure',
    ],
  },
  'argocd-kind-secret-unknown-fields.json': {
    providers: ['hub-provider: /usr/local/bin/custom-auth/get-token.sh'],
  },
  'eks.json': {
    providers: ['eks: /plugins/eks-aws-auth-plugin', 'eks-cli: aws eks get-token --output json'],
  },
  'gke-gcloud-auth-plugin.json': { providers: ['google: gke-gcloud-auth-plugin'] },
  'gke-gcp-auth-plugin.json': { providers: ['google: /plugins/gcp-auth-plugin'] },
  'headlamp-core-chart-values.yaml': {
    refused: 'has no list "providers"',
    inside: [[0, 'config', 'clusterInventory', 'accessProvidersConfig', 'providers']],
    providers: [
      'secretreader: /access-plugins/secretreader/bin/secretreader-plugin',
      'kubeconfig-secretreader: /access-plugins/kubeconfig-secretreader/bin/kubeconfig-secretreader-plugin',
    ],
  },
  'knative-operator-chart-values.yaml': {
    refused: 'has no list "providers"',
    inside: [[0, 'knative_operator', 'multicluster', 'accessProvidersConfig', 'providers']],
    providers: ['secretreader: /access-plugins/secretreader/bin/secretreader-plugin'],
  },
  'kubeconfig.json': { providers: ['kubeconfig: /plugins/kubeconfig token'] },
  'kubeconfig-secretreader.json': {
    providers: ['kubeconfig-secretreader: /plugin/bin/kubeconfig-secretreader-plugin'],
  },
  'kueue-manager-config.yaml': {
    refused: 'has more than one YAML document: line 16, column 1',
    inside: [
      [0, 'multiKueue', 'clusterProfile', 'credentialsProviders'],
      [1, 'multiKueue', 'clusterProfile', 'accessProviders'],
    ],
    providers: [
      'open-cluster-management: /plugins/cp-creds --managed-serviceaccount=multikueue',
      'google: /plugins/gcp-auth-plugin',
    ],
  },
  'ocm-cp-creds.json': {
    providers: ['open-cluster-management: /plugins/cp-creds --managed-serviceaccount=fleet-console'],
  },
  'odd-entries.json': {
    providers: ['dup: /plugins/first', 'KubeFleet: kubelogin get-token'],
    disabled: [
      'oidc-passthrough: execConfig: missing',
      'oidc-declared: execConfig: missing',
      'dup: name: used before in this file',
      `alpha: execConfig.apiVersion: ${v1Versions}`,
      'interactive: execConfig.interactiveMode: Always cannot be served, nobody sits at a terminal',
      'bad-policy: profileSourcedCLIArgsPolicy: unknown',
    ],
  },
  'order-decides.json': {
    providers: [
      'not-in-any-profile: /plugins/none',
      'open-cluster-management: /plugins/cp-creds --managed-serviceaccount=fleet-console',
      'google: gke-gcloud-auth-plugin',
    ],
  },
  'secretreader.json': { providers: ['secretreader: ./bin/secretreader-plugin'] },
  // `$(CLUSTER_NAME)` is text (AC-36).
  'sveltos-bridge.json': { providers: ['depot-exec: /opt/plugins/depot-exec --target $(CLUSTER_NAME)'] },
};
