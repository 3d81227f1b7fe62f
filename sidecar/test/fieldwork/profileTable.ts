import type { ClusterProxy } from '../../src/clusters/connection.ts';
import type { AccessRules } from '../../src/clusters/accessPolicy.ts';
import type { AccessState } from '../../src/clusters/clusterStatus.ts';
import type { ErrorCode } from '../../src/foundation/errors.ts';
import { caDataOf, type PemName } from './fixtureFiles.ts';

/** Where the cluster is, as of its `server`. */
interface Address {
  readonly hostname: string;
  readonly port: number;
  readonly hostHeader: string;
  readonly basePath?: string;
  readonly query?: string;
}

/** Certificates by their files, in order; `default` for the roots that Node and the system know. */
interface Trust {
  readonly anchors: 'default' | readonly PemName[];
  readonly serverName?: string;
  readonly insecure?: true;
}

/** All that the plugin is given, when it inherits nothing. */
interface PluginInput {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly apiVersion: 'v1' | 'v1beta1';
  /** `spec.cluster` of its ExecCredential; absent where it is told nothing of the cluster. */
  readonly cluster?: object;
}

type Health = 'healthy' | 'unhealthy' | 'unknown' | 'not-reported';

interface Reachable {
  readonly state: 'not-checked';
  readonly shownAs: string;
  readonly health: Health;
  readonly provider: string;
  readonly address: Address;
  readonly trust: Trust;
  readonly proxy?: ClusterProxy;
  readonly plugin: PluginInput;
}

interface NotReachable {
  readonly state: Exclude<AccessState, 'not-checked'>;
  readonly shownAs: string;
  readonly health: Health;
  /** Whose fault it is, where it is one provider's. */
  readonly provider?: string;
  readonly code: ErrorCode;
  readonly says: string;
}

/** What is to come of one object; `foreign` for one of another project's kind. */
export type Outcome = Reachable | NotReachable | 'foreign';

export interface Group {
  readonly profiles: string;
  readonly providers: string;
  /** Which rules it is about, of docs/contracts. */
  readonly rules: string;
  /** What the access policy of a pod is widened by. */
  readonly widened?: Partial<AccessRules>;
  /** By `<namespace>/<name>`, of a foreign object `<group>/<name>`. */
  readonly objects: Readonly<Record<string, Outcome>>;
}

const noAccess = {
  state: 'no-provider',
  code: 'no-access-provider',
  says: 'names no access provider',
} as const;
const noMatch = {
  state: 'no-provider',
  code: 'no-matching-provider',
  says: 'None of the access providers',
} as const;

const ocmServer = 'https://cluster-proxy-addon-user.open-cluster-management-addon:9092';
/** Open Cluster Management: one host for all clusters, a base path for each, and the server's own leaf first in the CA. */
function behindOcm(
  name: string,
  health: Health,
  { shownAs = name, account = 'fleet-console' }: { shownAs?: string; account?: string } = {},
): Reachable {
  return {
    state: 'not-checked',
    shownAs,
    health,
    provider: 'open-cluster-management',
    address: {
      hostname: 'cluster-proxy-addon-user.open-cluster-management-addon',
      port: 9092,
      hostHeader: 'cluster-proxy-addon-user.open-cluster-management-addon:9092',
      basePath: `/${name}`,
    },
    trust: { anchors: ['leaf', 'root'] },
    plugin: {
      command: '/plugins/cp-creds',
      args: [`--managed-serviceaccount=${account}`],
      apiVersion: 'v1',
      cluster: {
        server: `${ocmServer}/${name}`,
        'certificate-authority-data': caDataOf('bundle-leaf-first'),
        config: { clusterName: name },
      },
    },
  };
}

const batchA = {
  state: 'not-checked',
  shownAs: 'batch-a',
  health: 'not-reported',
  provider: 'google',
  address: {
    hostname: 'us-central1-connectgateway.example.com',
    port: 443,
    hostHeader: 'us-central1-connectgateway.example.com',
    basePath: '/v1/projects/123456789012/locations/us-central1/gkeMemberships/batch-a',
  },
  trust: { anchors: 'default' },
} as const;

const tidyfox = {
  state: 'not-checked',
  shownAs: 'tidyfox',
  health: 'not-reported',
  provider: 'aks-workload-identity',
  // The port of the scheme is not in `Host`.
  address: {
    hostname: 'tidyfox-dns-abc123.hcp.eastus.example.com',
    port: 443,
    hostHeader: 'tidyfox-dns-abc123.hcp.eastus.example.com',
  },
  trust: { anchors: ['root'] },
} as const;
const kubeloginArgs = [
  'get-token',
  '--login',
  'workloadidentity',
  '--federated-token-file',
  '/var/run/secrets/tokens/azure-identity-token',
] as const;

const demo = { health: 'not-reported', provider: 'secretreader' } as const;
/** What `secretreader` is given; the command is relative to the working directory, as it stands in the file. */
function secretreader(cluster: object, command = './bin/secretreader-plugin'): PluginInput {
  return { command, args: [], apiVersion: 'v1', cluster };
}
const spokeAddress = {
  hostname: 'spoke.example.com',
  port: 6443,
  hostHeader: 'spoke.example.com:6443',
} as const;
function atSpoke(
  shownAs: string,
  anchors: Trust['anchors'],
  caData?: string,
  server = 'https://spoke.example.com:6443',
): Reachable {
  return {
    ...demo,
    state: 'not-checked',
    shownAs,
    address: spokeAddress,
    trust: { anchors },
    plugin: secretreader({
      server,
      ...(caData === undefined ? {} : { 'certificate-authority-data': caData }),
    }),
  };
}
const rootData = { 'certificate-authority-data': caDataOf('root') };

/** spoke-1 of a kind cluster, whose plugin lies where the file says. */
function spokeOne(command?: string): Reachable {
  return {
    ...demo,
    state: 'not-checked',
    shownAs: 'spoke-1',
    address: { hostname: 'spoke-control-plane', port: 6443, hostHeader: 'spoke-control-plane:6443' },
    trust: { anchors: ['root'] },
    plugin: secretreader(
      { server: 'https://spoke-control-plane:6443', ...rootData, config: { clusterName: 'spoke-1' } },
      command,
    ),
  };
}
const loopbackInPod: NotReachable = {
  ...demo,
  state: 'blocked',
  shownAs: 'spoke-2',
  code: 'server-address-refused',
  says: 'is one that clusters may not have',
};

/**
 * What is to come of every object in the field's profiles with the provider file that goes with it, by the rules of
 * docs/contracts/access.md (AC-10 to AC-36) and discovery.md (DI-14, DI-32 to DI-36). Written by hand.
 */
export const groups: readonly Group[] = [
  {
    profiles: '01-ocm-cluster-proxy.yaml',
    providers: 'ocm-cp-creds.json',
    rules: 'AC-20, AC-22, AC-30',
    objects: { 'fleet-console/edge-01': behindOcm('edge-01', 'healthy') },
  },
  {
    profiles: '02-ocm-same-cluster-many-namespaces.yaml',
    providers: 'ocm-cp-creds.json',
    rules: 'AC-12, DI-35, DI-36',
    objects: {
      'kueue-system/edge-02': behindOcm('edge-02', 'unknown'),
      'argocd/edge-02': { ...noAccess, shownAs: 'edge-02', health: 'not-reported' },
      'kueue-system/local-cluster': { ...noAccess, shownAs: 'local-cluster', health: 'unhealthy' },
    },
  },
  {
    // Kueue's configuration: the list that it has under `credentialsProviders`.
    profiles: '02-ocm-same-cluster-many-namespaces.yaml',
    providers: 'kueue-manager-config.yaml#1',
    rules: 'AC-01, AC-12, DI-36',
    objects: {
      'kueue-system/edge-02': behindOcm('edge-02', 'unknown', { account: 'multikueue' }),
      'argocd/edge-02': { ...noAccess, shownAs: 'edge-02', health: 'not-reported' },
      'kueue-system/local-cluster': { ...noAccess, shownAs: 'local-cluster', health: 'unhealthy' },
    },
  },
  {
    profiles: '03-gke-fleet-connect-gateway.yaml',
    providers: 'gke-gcp-auth-plugin.json',
    rules: 'AC-12, AC-20, AC-22',
    objects: {
      'fleet-cluster-inventory/batch-a-us-central1': {
        ...batchA,
        plugin: { command: '/plugins/gcp-auth-plugin', args: [], apiVersion: 'v1beta1' },
      },
      'argocd/spoke-us-central1': { ...noMatch, shownAs: 'spoke', health: 'not-reported' },
    },
  },
  {
    profiles: '03-gke-fleet-connect-gateway.yaml',
    providers: 'gke-gcloud-auth-plugin.json',
    rules: 'AC-12, AC-30',
    objects: {
      'fleet-cluster-inventory/batch-a-us-central1': {
        ...batchA,
        plugin: {
          command: 'gke-gcloud-auth-plugin',
          args: [],
          apiVersion: 'v1beta1',
          cluster: {
            server:
              'https://us-central1-connectgateway.example.com/v1/projects/123456789012/locations/us-central1/gkeMemberships/batch-a',
          },
        },
      },
      'argocd/spoke-us-central1': { ...noMatch, shownAs: 'spoke', health: 'not-reported' },
    },
  },
  {
    // Kueue's configuration under its new name, `accessProviders`.
    profiles: '03-gke-fleet-connect-gateway.yaml',
    providers: 'kueue-manager-config.yaml#2',
    rules: 'AC-01, AC-12',
    objects: {
      'fleet-cluster-inventory/batch-a-us-central1': {
        ...batchA,
        plugin: { command: '/plugins/gcp-auth-plugin', args: [], apiVersion: 'v1beta1' },
      },
      'argocd/spoke-us-central1': { ...noMatch, shownAs: 'spoke', health: 'not-reported' },
    },
  },
  {
    profiles: '03-gke-fleet-connect-gateway.yaml',
    providers: 'argocd-k8s-auth.json',
    rules: 'AC-10, AC-12',
    objects: {
      'fleet-cluster-inventory/batch-a-us-central1': {
        ...noMatch,
        shownAs: 'batch-a',
        health: 'not-reported',
      },
      'argocd/spoke-us-central1': {
        state: 'not-checked',
        shownAs: 'spoke',
        health: 'not-reported',
        provider: 'argo-cd-builtin-gcp',
        address: {
          hostname: 'connectgateway.example.com',
          port: 443,
          hostHeader: 'connectgateway.example.com',
          basePath: '/v1/projects/123456789012/locations/global/gkeMemberships/spoke',
        },
        trust: { anchors: 'default' },
        plugin: { command: 'argocd-k8s-auth', args: ['gcp'], apiVersion: 'v1beta1' },
      },
    },
  },
  {
    // Annotations that hold an endpoint lead nowhere (AC-27).
    profiles: '04-gke-script-syncer-no-access.yaml',
    providers: 'gke-gcp-auth-plugin.json',
    rules: 'AC-12, AC-27, DI-32',
    objects: {
      'example-project/web-europe-west4': {
        ...noAccess,
        shownAs: 'projects/example-project/locations/europe-west4/memberships/web',
        health: 'not-reported',
      },
    },
  },
  {
    profiles: '05-kubefleet.yaml',
    providers: 'odd-entries.json',
    rules: 'AC-02, AC-10, AC-23, DI-35',
    objects: {
      'fleet-system/bravewhale': {
        state: 'invalid',
        shownAs: 'bravewhale',
        health: 'healthy',
        provider: 'KubeFleet',
        code: 'server-invalid',
        says: 'has no API server address',
      },
      'fleet-system/calmotter': { ...noAccess, shownAs: 'calmotter', health: 'unhealthy' },
      'fleet-system/newmember': { ...noAccess, shownAs: 'newmember', health: 'unknown' },
    },
  },
  {
    profiles: '06-aks-workload-identity-args-envs.yaml',
    providers: 'aks-kubelogin.json',
    rules: 'AC-31, AC-32',
    objects: {
      'fleet-system/tidyfox': {
        ...tidyfox,
        plugin: {
          command: 'kubelogin',
          args: [
            ...kubeloginArgs,
            '--tenant-id',
            '00000000-0000-0000-0000-000000000001',
            '--authority-host',
            'https://login.example.com/',
          ],
          env: { AZURE_CLIENT_ID: '00000000-0000-0000-0000-000000000002' },
          apiVersion: 'v1beta1',
        },
      },
    },
  },
  {
    profiles: '06-aks-workload-identity-args-envs.yaml',
    providers: 'aks-kubelogin-no-policy.json',
    rules: 'AC-31, AC-32',
    objects: {
      'fleet-system/tidyfox': {
        ...tidyfox,
        plugin: { command: 'kubelogin', args: kubeloginArgs, apiVersion: 'v1beta1' },
      },
    },
  },
  {
    profiles: '07-eks.yaml',
    providers: 'eks.json',
    rules: 'AC-30, AC-31, AC-34',
    objects: {
      'default/shop-1': {
        state: 'not-checked',
        shownAs: 'shop-1',
        health: 'not-reported',
        provider: 'eks',
        // A host has no case; the plugin is told what is written.
        address: {
          hostname: '0123456789abcdef0123456789abcdef.gr7.ap-northeast-1.eks.example.com',
          port: 443,
          hostHeader: '0123456789abcdef0123456789abcdef.gr7.ap-northeast-1.eks.example.com',
        },
        trust: { anchors: ['root'] },
        plugin: {
          command: '/plugins/eks-aws-auth-plugin',
          args: [],
          apiVersion: 'v1beta1',
          cluster: {
            server: 'https://0123456789ABCDEF0123456789ABCDEF.gr7.ap-northeast-1.eks.example.com',
            ...rootData,
            config: { region: 'ap-northeast-1', clusterId: 'shop-1-eks' },
          },
        },
      },
      'fleet-system/kro-fleet-eks': {
        state: 'not-checked',
        shownAs: 'kro-fleet-eks',
        health: 'healthy',
        provider: 'eks-cli',
        address: {
          hostname: 'fedcba9876543210fedcba9876543210.gr7.us-east-1.eks.example.com',
          port: 443,
          hostHeader: 'fedcba9876543210fedcba9876543210.gr7.us-east-1.eks.example.com',
        },
        trust: { anchors: ['root'] },
        plugin: {
          command: 'aws',
          args: [
            'eks',
            'get-token',
            '--output',
            'json',
            '--cluster-name',
            'kro-fleet-eks',
            '--region',
            'us-east-1',
          ],
          env: { AWS_STS_REGIONAL_ENDPOINTS: 'regional' },
          apiVersion: 'v1beta1',
          cluster: {
            server: 'https://FEDCBA9876543210FEDCBA9876543210.gr7.us-east-1.eks.example.com',
            ...rootData,
          },
        },
      },
    },
  },
  {
    profiles: '08-secretreader-kind.yaml',
    providers: 'secretreader.json',
    rules: 'AC-25, AC-30, DI-32',
    objects: { 'fleet/spoke-1': spokeOne(), 'fleet/spoke-2': loopbackInPod },
  },
  {
    profiles: '08-secretreader-kind.yaml',
    providers: 'headlamp-core-chart-values.yaml#1',
    rules: 'AC-01, AC-25',
    objects: {
      'fleet/spoke-1': spokeOne('/access-plugins/secretreader/bin/secretreader-plugin'),
      'fleet/spoke-2': loopbackInPod,
    },
  },
  {
    profiles: '08-secretreader-kind.yaml',
    providers: 'knative-operator-chart-values.yaml#1',
    rules: 'AC-01, AC-25',
    // As on the desktop, where kind publishes loopback addresses (AC-25).
    widened: { allowLoopback: true },
    objects: {
      'fleet/spoke-1': spokeOne('/access-plugins/secretreader/bin/secretreader-plugin'),
      'fleet/spoke-2': {
        ...demo,
        state: 'not-checked',
        shownAs: 'spoke-2',
        address: { hostname: '127.0.0.1', port: 41537, hostHeader: '127.0.0.1:41537' },
        trust: { anchors: ['root'] },
        plugin: secretreader(
          { server: 'https://127.0.0.1:41537', ...rootData },
          '/access-plugins/secretreader/bin/secretreader-plugin',
        ),
      },
    },
  },
  {
    profiles: '08-secretreader-kind.yaml',
    providers: 'argocd-kind-secret-unknown-fields.json',
    rules: 'AC-01, AC-12',
    objects: {
      'fleet/spoke-1': { ...noMatch, shownAs: 'spoke-1', health: 'not-reported' },
      'fleet/spoke-2': { ...noMatch, shownAs: 'spoke-2', health: 'not-reported' },
    },
  },
  {
    profiles: '09-kubeconfig-secretreader.yaml',
    providers: 'kubeconfig-secretreader.json',
    rules: 'AC-30',
    objects: {
      'fleet/spoke-3': {
        state: 'not-checked',
        shownAs: 'spoke-3',
        health: 'healthy',
        provider: 'kubeconfig-secretreader',
        address: { hostname: '10.244.0.14', port: 30443, hostHeader: '10.244.0.14:30443' },
        trust: { anchors: ['root'] },
        plugin: {
          command: '/plugin/bin/kubeconfig-secretreader-plugin',
          args: [],
          apiVersion: 'v1',
          cluster: {
            server: 'https://10.244.0.14:30443',
            ...rootData,
            config: {
              name: 'spoke-3-kubeconfig',
              key: 'Config',
              namespace: 'spoke-manager',
              context: 'admin@spoke-3',
            },
          },
        },
      },
    },
  },
  {
    profiles: '10-argocd-agent-query-in-server.yaml',
    providers: 'argocd-agent.json',
    rules: 'AC-20, AC-30, AC-32',
    objects: {
      'argocd/agent-a': {
        state: 'not-checked',
        shownAs: 'agent-a',
        health: 'not-reported',
        provider: 'argocd-agent',
        address: {
          hostname: 'argocd-agent-resource-proxy.argocd.svc',
          port: 9090,
          hostHeader: 'argocd-agent-resource-proxy.argocd.svc:9090',
          query: 'agentName=agent-a',
        },
        trust: { anchors: ['root'] },
        plugin: {
          command: '/plugins/argocd-agent-creds',
          args: [],
          env: {
            ARGOCD_AGENT_CREDS_AGENT_NAME: 'agent-a',
            ARGOCD_AGENT_CREDS_TOKEN_SECRET_NAME: 'agent-a-argocd-agent-token',
            ARGOCD_AGENT_CREDS_TOKEN_SECRET_NAMESPACE: 'argocd',
            ARGOCD_AGENT_CREDS_TOKEN_SECRET_KEY: 'token',
            ARGOCD_AGENT_CREDS_MTLS_SECRET_NAME: 'argocd-agent-client-tls',
            ARGOCD_AGENT_CREDS_MTLS_SECRET_NAMESPACE: 'argocd',
          },
          apiVersion: 'v1',
          cluster: {
            server: 'https://argocd-agent-resource-proxy.argocd.svc:9090?agentName=agent-a',
            ...rootData,
            config: {
              agentName: 'agent-a',
              tokenSecretName: 'agent-a-argocd-agent-token',
              tokenSecretNamespace: 'argocd',
              tokenSecretKey: 'token',
            },
          },
        },
      },
    },
  },
  {
    profiles: '11-legacy-credential-providers.yaml',
    providers: 'secretreader.json',
    rules: 'AC-11, DI-32',
    objects: {
      'fleet/legacy-only': {
        ...demo,
        state: 'not-checked',
        shownAs: 'Legacy only',
        address: { hostname: 'legacy.example.com', port: 6443, hostHeader: 'legacy.example.com:6443' },
        trust: { anchors: ['root'] },
        plugin: secretreader({
          server: 'https://legacy.example.com:6443',
          ...rootData,
          config: { clusterName: 'legacy-only' },
        }),
      },
      'fleet/legacy-and-new': {
        ...demo,
        state: 'not-checked',
        shownAs: 'legacy-and-new',
        address: { hostname: 'new.example.com', port: 6443, hostHeader: 'new.example.com:6443' },
        trust: { anchors: ['root'] },
        plugin: secretreader({
          server: 'https://new.example.com:6443',
          ...rootData,
          config: { clusterName: 'legacy-and-new' },
        }),
      },
    },
  },
  {
    // The order of the file decides, not that of the profile (AC-10).
    profiles: '12-several-providers.yaml',
    providers: 'order-decides.json',
    rules: 'AC-10, DI-32',
    objects: {
      'fleet-console/multi-access': behindOcm('multi-access', 'not-reported', { shownAs: 'Multi access' }),
    },
  },
  {
    profiles: '13-v1alpha2.yaml',
    providers: 'ocm-cp-creds.json',
    rules: 'AC-22, DI-14',
    objects: { 'fleet-console/edge-10': behindOcm('edge-10', 'not-reported') },
  },
  {
    profiles: '14-foreign-kinds-same-name.yaml',
    providers: 'ocm-cp-creds.json',
    rules: 'DI-14',
    objects: { 'config.projectsveltos.io/edge-01': 'foreign', 'meta.k8s.appscode.com/edge-01': 'foreign' },
  },
  {
    profiles: '15-tls-and-url-variants.yaml',
    providers: 'secretreader.json',
    rules: 'AC-20, AC-22, AC-23, AC-24',
    objects: {
      'fleet/tls-intermediate-only': atSpoke(
        'tls-intermediate-only',
        ['intermediate'],
        caDataOf('intermediate'),
      ),
      'fleet/tls-leaf-only': atSpoke('tls-leaf-only', ['leaf'], caDataOf('leaf')),
      'fleet/tls-crlf-pem': atSpoke(
        'tls-crlf-pem',
        ['root'],
        caDataOf('root', '\r\n'),
        'https://spoke.example.com:6443/',
      ),
      'fleet/tls-double-base64': {
        ...demo,
        state: 'invalid',
        shownAs: 'tls-double-base64',
        code: 'ca-invalid',
        says: 'is not PEM after one base64 decoding',
      },
      'fleet/tls-server-name': {
        ...demo,
        state: 'not-checked',
        shownAs: 'tls-server-name',
        address: { hostname: '192.0.2.20', port: 6443, hostHeader: '192.0.2.20:6443' },
        trust: { anchors: ['root'], serverName: 'spoke.example.com' },
        plugin: secretreader({
          server: 'https://192.0.2.20:6443',
          'tls-server-name': 'spoke.example.com',
          ...rootData,
        }),
      },
      'fleet/tls-insecure': {
        ...demo,
        state: 'blocked',
        shownAs: 'tls-insecure',
        code: 'insecure-refused',
        says: 'not allowed for this provider',
      },
      'fleet/tls-insecure-and-ca': {
        ...demo,
        state: 'invalid',
        shownAs: 'tls-insecure-and-ca',
        code: 'ca-with-insecure',
        says: 'has a certificate authority and skips verification',
      },
      'fleet/ca-as-file-path': { ...noMatch, shownAs: 'ca-as-file-path', health: 'not-reported' },
      'fleet/ipv6-server': {
        ...demo,
        state: 'not-checked',
        shownAs: 'ipv6-server',
        address: { hostname: '2001:db8::10', port: 6443, hostHeader: '[2001:db8::10]:6443' },
        trust: { anchors: ['root'] },
        plugin: secretreader({ server: 'https://[2001:db8::10]:6443', ...rootData }),
      },
      'fleet/ipv6-no-brackets': {
        ...demo,
        state: 'invalid',
        shownAs: 'ipv6-no-brackets',
        code: 'server-invalid',
        says: 'is not a URL',
      },
      'fleet/via-http-proxy': {
        ...demo,
        state: 'blocked',
        shownAs: 'via-http-proxy',
        code: 'proxy-url-refused',
        says: 'A proxy is not allowed for this provider',
      },
      'fleet/via-socks': {
        ...demo,
        state: 'blocked',
        shownAs: 'via-socks',
        code: 'proxy-url-refused',
        says: 'A proxy is not allowed for this provider',
      },
      'fleet/rancher-style-path': {
        ...demo,
        state: 'not-checked',
        shownAs: 'rancher-style-path',
        address: {
          hostname: 'rancher.example.com',
          port: 443,
          hostHeader: 'rancher.example.com',
          basePath: '/k8s/clusters/c-m-4d887d19',
        },
        trust: { anchors: 'default' },
        plugin: secretreader({ server: 'https://rancher.example.com/k8s/clusters/c-m-4d887d19' }),
      },
      'fleet/karmada-style-path': {
        ...demo,
        state: 'not-checked',
        shownAs: 'karmada-style-path',
        address: {
          hostname: 'karmada-apiserver.karmada-system.svc',
          port: 5443,
          hostHeader: 'karmada-apiserver.karmada-system.svc:5443',
          basePath: '/apis/cluster.karmada.io/v1alpha1/clusters/member2/proxy',
        },
        trust: { anchors: ['root'] },
        plugin: secretreader({
          server:
            'https://karmada-apiserver.karmada-system.svc:5443/apis/cluster.karmada.io/v1alpha1/clusters/member2/proxy',
          ...rootData,
        }),
      },
      'fleet/no-scheme': {
        ...demo,
        state: 'invalid',
        shownAs: 'no-scheme',
        code: 'server-invalid',
        says: 'is not a URL',
      },
    },
  },
  {
    profiles: '15-tls-and-url-variants.yaml',
    providers: 'secretreader.json',
    rules: 'AC-23, AC-24',
    widened: { allowInsecure: true },
    objects: {
      'fleet/tls-insecure': {
        ...demo,
        state: 'not-checked',
        shownAs: 'tls-insecure',
        address: { hostname: '192.0.2.21', port: 6443, hostHeader: '192.0.2.21:6443' },
        trust: { anchors: 'default', insecure: true },
        plugin: secretreader({ server: 'https://192.0.2.21:6443', 'insecure-skip-tls-verify': true }),
      },
      'fleet/tls-insecure-and-ca': {
        ...demo,
        state: 'invalid',
        shownAs: 'tls-insecure-and-ca',
        code: 'ca-with-insecure',
        says: 'has a certificate authority and skips verification',
      },
    },
  },
  {
    profiles: '15-tls-and-url-variants.yaml',
    providers: 'secretreader.json',
    rules: 'AC-20, AC-24, EX-04',
    widened: { allowProxyUrl: ['egress.example.com:3128', 'bastion.example.com:1080'] },
    objects: {
      'fleet/via-http-proxy': {
        ...demo,
        state: 'not-checked',
        shownAs: 'via-http-proxy',
        address: { hostname: '10.20.0.5', port: 6443, hostHeader: '10.20.0.5:6443' },
        trust: { anchors: ['root'] },
        proxy: { protocol: 'http:', hostname: 'egress.example.com', port: 3128 },
        plugin: secretreader({
          server: 'https://10.20.0.5:6443',
          'proxy-url': 'http://egress.example.com:3128',
          ...rootData,
        }),
      },
      'fleet/via-socks': {
        ...demo,
        state: 'not-checked',
        shownAs: 'via-socks',
        address: { hostname: '10.20.0.6', port: 6443, hostHeader: '10.20.0.6:6443' },
        trust: { anchors: ['root'] },
        proxy: { protocol: 'socks5:', hostname: 'bastion.example.com', port: 1080 },
        plugin: secretreader({
          server: 'https://10.20.0.6:6443',
          'proxy-url': 'socks5://bastion.example.com:1080',
          'disable-compression': true,
          ...rootData,
        }),
      },
    },
  },
  {
    profiles: '15-tls-and-url-variants.yaml',
    providers: 'kubeconfig.json',
    rules: 'AC-21',
    objects: {
      'fleet/ca-as-file-path': {
        state: 'invalid',
        shownAs: 'ca-as-file-path',
        health: 'not-reported',
        provider: 'kubeconfig',
        code: 'ca-path-refused',
        says: 'names a certificate authority file; only data is accepted',
      },
    },
  },
  {
    profiles: '16-sparse-status.yaml',
    providers: 'secretreader.json',
    rules: 'AC-12, DI-35',
    objects: {
      'fleet/spec-only': { ...noAccess, shownAs: 'spec-only', health: 'not-reported' },
      'fleet/nulls': { ...noAccess, shownAs: 'nulls', health: 'not-reported' },
      'fleet/condition-other-types-only': atSpoke('condition-other-types-only', 'default'),
    },
  },
  {
    profiles: '17-names-and-hiding.yaml',
    providers: 'secretreader.json',
    rules: 'DI-32, DI-36',
    objects: {
      'fleet-a/eu.prod-1.example': atSpoke('EU / prod #1 (Zürich) <b>primary</b> 50% \u{1F680}', 'default'),
      'fleet-a/fleet-member-with-a-very-long-name-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.region-yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy.zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz.example-wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww':
        {
          ...noAccess,
          shownAs:
            'fleet-member-with-a-very-long-name-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.region-yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy.zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz.example-wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww',
          health: 'not-reported',
        },
      'c/a-b': { ...noAccess, shownAs: 'Twin', health: 'not-reported' },
      'c-a/b': { ...noAccess, shownAs: 'Twin', health: 'not-reported' },
      'fleet-a/main': { ...noAccess, shownAs: 'main', health: 'not-reported' },
      // Its label hides it only from a list that asks with a selector (DI-07).
      'fleet-a/hidden': { ...noAccess, shownAs: 'hidden', health: 'not-reported' },
    },
  },
  {
    profiles: '18-properties-must-not-run.yaml',
    providers: 'secretreader.json',
    rules: 'AC-12, AC-27',
    objects: {
      'fleet/exec-in-properties': { ...noMatch, shownAs: 'exec-in-properties', health: 'not-reported' },
    },
  },
  {
    // The provider's command is run, and nothing of the properties (AC-27).
    profiles: '18-properties-must-not-run.yaml',
    providers: 'kubeconfig.json',
    rules: 'AC-27',
    objects: {
      'fleet/exec-in-properties': {
        state: 'not-checked',
        shownAs: 'exec-in-properties',
        health: 'not-reported',
        provider: 'kubeconfig',
        address: { hostname: 'prod.example.com', port: 443, hostHeader: 'prod.example.com' },
        trust: { anchors: ['root'] },
        plugin: {
          command: '/plugins/kubeconfig',
          args: ['token'],
          apiVersion: 'v1',
          cluster: { server: 'https://prod.example.com', ...rootData },
        },
      },
    },
  },
  {
    // The server is a placeholder, which is the cluster's fault once it is dialled, and not before.
    profiles: '19-sveltos-bridge.yaml',
    providers: 'kubeconfig-secretreader.json',
    rules: 'AC-20, AC-30, DI-34',
    objects: {
      'sveltos-fleet/bridge-in-process': {
        state: 'not-checked',
        shownAs: 'Bridge, kubeconfig kept elsewhere',
        health: 'not-reported',
        provider: 'kubeconfig-secretreader',
        address: { hostname: 'placeholder.invalid', port: 6443, hostHeader: 'placeholder.invalid:6443' },
        trust: { anchors: 'default' },
        plugin: {
          command: '/plugin/bin/kubeconfig-secretreader-plugin',
          args: [],
          apiVersion: 'v1',
          cluster: {
            server: 'https://placeholder.invalid:6443',
            config: { name: 'bridge-kubeconfig', key: 'kubeconfig' },
          },
        },
      },
      'sveltos-fleet/bridge-terminating': {
        state: 'being-removed',
        shownAs: 'bridge-terminating',
        health: 'not-reported',
        code: 'profile-being-removed',
        says: 'is being removed',
      },
    },
  },
  {
    profiles: '19-sveltos-bridge.yaml',
    providers: 'sveltos-bridge.json',
    rules: 'AC-12, DI-34',
    objects: {
      'sveltos-fleet/bridge-in-process': {
        ...noMatch,
        shownAs: 'Bridge, kubeconfig kept elsewhere',
        health: 'not-reported',
      },
      'sveltos-fleet/bridge-terminating': {
        state: 'being-removed',
        shownAs: 'bridge-terminating',
        health: 'not-reported',
        code: 'profile-being-removed',
        says: 'is being removed',
      },
    },
  },
];
