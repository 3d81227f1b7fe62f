import { stringify } from 'yaml';

export interface KwokPod {
  readonly namespace: string;
  readonly name: string;
  readonly container: string;
  readonly image: string;
}

export interface KwokConfigOptions {
  readonly nodePort: number;
  readonly certificateFile: string;
  readonly keyFile: string;
  /** Where exec starts. */
  readonly workFolder: string;
  /** The log of each Pod; Pods made later share `otherLogFile`. */
  readonly podLogFiles: readonly (KwokPod & { readonly file: string })[];
  readonly otherLogFile: string;
  /** Where port-forward leads, on loopback, whatever the Pod and port. */
  readonly forwardPort: number;
  /** Stage documents, YAML. */
  readonly stages: string;
}

/** kwok's one configuration file: how its node answers for Pods. A document that is given gets no defaults of kwok's. */
export function buildKwokConfig(options: KwokConfigOptions): string {
  const one = (kind: string, name: string, spec: object): object => ({
    apiVersion: 'kwok.x-k8s.io/v1alpha1',
    kind,
    metadata: { name },
    spec,
  });
  const targets = [
    ...options.podLogFiles.map(({ namespace, name, file }) => ({
      id: `${namespace}-${name}`,
      selector: { matchNamespaces: [namespace], matchNames: [name] },
      file,
    })),
    { id: 'other', selector: {}, file: options.otherLogFile },
  ];
  const documents = [
    {
      apiVersion: 'config.kwok.x-k8s.io/v1alpha1',
      kind: 'KwokConfiguration',
      metadata: { name: 'kwok' },
      options: {
        cidr: '10.20.0.1/24',
        nodeIP: '127.0.0.1',
        nodeName: 'kwok-controller',
        nodePort: options.nodePort,
        tlsCertFile: options.certificateFile,
        tlsPrivateKeyFile: options.keyFile,
        manageAllNodes: true,
        serverAddress: `127.0.0.1:${options.nodePort}`,
        enableDebuggingHandlers: true,
        enableContentionProfiling: false,
        enableProfilingHandler: false,
        nodeLeaseDurationSeconds: 40,
        nodeLeaseParallelism: 2,
        podPlayStageParallelism: 2,
        nodePlayStageParallelism: 2,
        podsOnNodeSyncParallelism: 2,
        enablePodsOnNodeSyncListPager: false,
        enablePodsOnNodeSyncStreamWatch: true,
      },
    },
    ...targets.flatMap(({ id, selector, file }) => [
      one('ClusterLogs', id, { selector, logs: [{ logsFile: file, follow: true }] }),
      one('ClusterAttach', id, { selector, attaches: [{ logsFile: file }] }),
    ]),
    one('ClusterExec', 'all', {
      execs: [{ local: { workDir: options.workFolder, envs: [{ name: 'PS1', value: '$ ' }] } }],
    }),
    one('ClusterPortForward', 'all', {
      forwards: [{ target: { address: '127.0.0.1', port: options.forwardPort } }],
    }),
  ];
  return [...documents.map((document) => stringify(document)), options.stages].join('\n---\n');
}
