/** How one option's text becomes a value. `parse` throws an Error whose message completes "--name: …". */
interface OptionDefinition {
  readonly name: string;
  /** What stands for the value in `--help`; absent for a switch. */
  readonly value?: string;
  readonly default: string;
  readonly help: string;
  /** The value itself is not shown in messages. */
  readonly secret?: true;
}

/**
 * Every option, in the order of `--help`. The environment name is `CLUSTER_INVENTORY_` + the name in capitals, without
 * a leading `cluster-inventory-`. Names are Headlamp core's where the notion is the same.
 */
export const optionDefinitions = [
  {
    name: 'cluster-inventory-provider-file',
    value: 'FILE',
    default: '',
    help: 'Access providers and their credential plugins, JSON or YAML. Required.',
  },
  {
    name: 'access-policy',
    value: 'FILE',
    default: '',
    help: 'As whom users go to clusters, where credentials may be sent, what may be read; JSON or YAML. Default: in a pod each user as themselves, elsewhere with the provider’s credential; see docs/access-policy.md.',
  },
  {
    name: 'cluster-inventory-namespaces',
    value: 'LIST',
    default: '',
    help: 'Namespaces to watch for ClusterProfiles, separated by commas; * alone for all. Default: the namespace of the pod, or of each context.',
  },
  {
    name: 'cluster-inventory-label-selector',
    value: 'SELECTOR',
    default: '!headlamp.dev/ignore',
    help: 'Only ClusterProfiles whose labels match.',
  },
  {
    name: 'cluster-inventory-root-reconcile-interval',
    value: 'DURATION',
    default: '5m',
    help: 'How often the roots are compared with the kubeconfig.',
  },
  {
    name: 'cluster-inventory-no-crd-cache-ttl',
    value: 'DURATION',
    default: '30s',
    help: 'How often a root without the ClusterProfile resource is asked again.',
  },
  {
    name: 'kubeconfig',
    value: 'FILE',
    default: '',
    help: 'Each of its contexts is a root. Default: KUBECONFIG, else the pod the sidecar runs in, else ~/.kube/config.',
  },
  { name: 'contexts', value: 'LIST', default: '', help: 'Only these contexts of the kubeconfig are roots.' },
  {
    name: 'listen',
    value: 'HOST:PORT',
    default: '127.0.0.1:4466',
    help: 'Where the dashboard and the clusters are served. Loopback only with --auth=none.',
  },
  {
    name: 'admin-listen',
    value: 'HOST:PORT',
    default: '127.0.0.1:9090',
    help: 'Where /livez, /readyz and /metrics are served.',
  },
  {
    name: 'dashboard-url',
    value: 'URL',
    default: 'http://127.0.0.1:4467',
    help: 'The Headlamp that everything else is passed on to.',
  },
  {
    name: 'dashboard-host',
    value: 'HOST',
    default: '',
    help: 'Host header for the dashboard, where it accepts only its own. Default: the browser’s.',
  },
  {
    name: 'base-url',
    value: 'PATH',
    default: '',
    help: 'The path under which the dashboard is served, such as /headlamp.',
  },
  {
    name: 'auth',
    value: 'MODE',
    default: '',
    help: 'How users are known. hub: the hub reviews their tokens and says what they may. trusted-headers: an authenticating proxy in front says who they are, and the hub what they may. none: everyone who reaches the loopback address. Default: hub in a pod, else none.',
  },
  {
    name: 'tls-cert-path',
    value: 'FILE',
    default: '',
    help: 'Certificate to serve, with its chain, PEM; read again when it changes. Default: plain http.',
  },
  {
    name: 'tls-key-path',
    value: 'FILE',
    default: '',
    help: 'The key of that certificate, PEM.',
  },
  {
    name: 'trusted-proxies',
    value: 'LIST',
    default: '',
    help: 'Addresses or networks of proxies in front whose X-Forwarded-Proto, X-Forwarded-Host and headers about users are believed, separated by commas, such as 10.0.0.0/8.',
  },
  {
    name: 'proxy-auth-token-header',
    value: 'NAME',
    default: 'X-Forwarded-Id-Token',
    help: 'Where an authenticating proxy puts the user’s token; read from --trusted-proxies alone.',
  },
  {
    name: 'proxy-auth-username-header',
    value: 'NAME',
    default: 'X-Forwarded-User',
    help: 'Where an authenticating proxy says who the user is, for --auth=trusted-headers.',
  },
  {
    name: 'proxy-auth-group-header',
    value: 'NAME',
    default: 'X-Forwarded-Group',
    help: 'Where it says the user’s groups, separated by commas, repeated, or both.',
  },
  {
    name: 'proxy-auth-secret-header',
    value: 'NAME',
    default: 'X-Proxy-Secret',
    help: 'Where it proves by a secret that it is the proxy.',
  },
  {
    name: 'proxy-auth-secret-file',
    value: 'FILE',
    default: '',
    help: 'That secret, at least 16 characters; read again when it changes. Required for --auth=trusted-headers, as is --trusted-proxies.',
  },
  {
    name: 'hub-context-name',
    value: 'NAME',
    default: 'main',
    help: 'Which of the dashboard’s clusters is the hub, whose sign-in serves all.',
  },
  {
    name: 'allowed-origins',
    value: 'LIST',
    default: '',
    help: 'Origins of the dashboard’s own pages, separated by commas. Default: the scheme and host that a request came to.',
  },
  {
    name: 'hub-outage-grace',
    value: 'DURATION',
    default: '5m',
    help: 'How long a token and a right that were good count while the hub cannot be asked.',
  },
  {
    name: 'stream-grace',
    value: 'DURATION',
    default: '1h',
    help: 'How long a watch, log or terminal may outlive the token that it began with; 0 for not at all.',
  },
  {
    name: 'plugin-timeout',
    value: 'DURATION',
    default: '30s',
    help: 'How long a credential plugin may run.',
  },
  {
    name: 'plugin-concurrency',
    value: 'N',
    default: '8',
    help: 'How many credential plugins run at a time.',
  },
  {
    name: 'max-streams',
    value: 'N',
    default: '10000',
    help: 'How many watches, followed logs, terminals and port-forwards of clusters may be open at a time, all users and clusters together; see docs/limits.md.',
  },
  {
    name: 'max-streams-per-cluster',
    value: 'N',
    default: '4000',
    help: 'How many of them to one cluster.',
  },
  {
    name: 'max-streams-per-user',
    value: 'N',
    default: '2000',
    help: 'How many of them of one user, to all clusters together.',
  },
  {
    name: 'max-requests-per-cluster',
    value: 'N',
    default: '1000',
    help: 'How many other requests to one cluster may be under way at a time.',
  },
  {
    name: 'max-request-header-bytes',
    value: 'N',
    default: '65536',
    help: 'How large the line and the headers of a request may be, from 8192 to 1048576.',
  },
  {
    name: 'request-header-timeout',
    value: 'DURATION',
    default: '20s',
    help: 'How long a client may take for a TLS handshake, and for the headers of a request.',
  },
  {
    name: 'connect-timeout',
    value: 'DURATION',
    default: '10s',
    help: 'How long connecting to a cluster may take, TLS handshake included.',
  },
  {
    name: 'response-header-timeout',
    value: 'DURATION',
    default: '60s',
    help: 'How long a cluster may take until its answer begins, except where nothing bounds it: watches, followed logs, terminals, port-forwards and what goes through proxy.',
  },
  {
    name: 'audit',
    value: 'MODE',
    default: 'writes',
    help: 'What the audit log says. writes: each write, upgrade, refusal, sign-in and sign-out, and reads once for each user, cluster and minute. all: every request to a cluster. See docs/audit.md.',
  },
  {
    name: 'audit-log',
    value: 'FILE',
    default: '',
    help: 'Where the audit log goes, a JSON object a line; opened anew when it was moved away. Default: stderr.',
  },
  { name: 'log-level', value: 'LEVEL', default: 'info', help: 'debug, info, warn or error.' },
  {
    name: 'log-format',
    value: 'FORMAT',
    default: '',
    help: 'json or text. Default: text on a terminal, json elsewhere.',
  },
] as const satisfies readonly OptionDefinition[];

export type OptionName = (typeof optionDefinitions)[number]['name'];

/** `cluster-inventory-namespaces` → `CLUSTER_INVENTORY_NAMESPACES`, `listen` → `CLUSTER_INVENTORY_LISTEN`. */
export function environmentName(option: OptionName): string {
  return `CLUSTER_INVENTORY_${option
    .replace(/^cluster-inventory-/, '')
    .replaceAll('-', '_')
    .toUpperCase()}`;
}
