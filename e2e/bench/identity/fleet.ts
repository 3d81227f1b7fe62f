import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createCertificateAuthority } from '../../parts/certificates.ts';
import { startSidecar, type SidecarProcess } from '../../parts/sidecar.ts';
import { createTemporaryFolder } from '../../parts/temporaryFolder.ts';
import { until } from '../../parts/until.ts';
import { type Child, startChild } from '../childProcess.ts';
import type { HubQuestions } from '../processes/hub.ts';
import type { LoadQuestions } from '../processes/load.ts';
import type { UpstreamQuestions } from '../processes/upstream.ts';
import { buildToken } from '../tokens.ts';

/** All processes of the identity suite: none does two things that are measured against each other. */
export interface BenchFleet {
  readonly hub: Child<HubQuestions>;
  readonly load: Child<LoadQuestions>;
  /** For what is sent beside what is measured. */
  readonly noise: Child<LoadQuestions>;
  /** `--auth=none`. */
  readonly open: SidecarProcess;
  /** `--auth=hub`, impersonation, `--audit=all` to a file. */
  readonly guarded: SidecarProcess;
  /** Paths below both sidecars, one for each cluster that the upstream answers for. */
  readonly clusterPaths: readonly string[];
  stop(): Promise<void>;
}

export const viewer = {
  name: 'viewer',
  namespaces: Array.from({ length: 10 }, (_, index) => `team-${index}`),
};
export const profileCount = 5_000;
const clusterCount = 20;
const reviewMs = 5;
const apiVersion = 'client.authentication.k8s.io/v1';

export async function startFleet(): Promise<BenchFleet> {
  const folder = createTemporaryFolder('bench-identity-');
  const upstream = startChild<UpstreamQuestions>('upstream.ts');
  const hub = startChild<HubQuestions>('hub.ts');
  const load = startChild<LoadQuestions>('load.ts');
  const noise = startChild<LoadQuestions>('load.ts');
  const sidecars: SidecarProcess[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(sidecars.map((each) => each.stop()));
    await Promise.all([upstream, hub, load, noise].map((each) => each.end()));
    folder.remove();
  };
  try {
    const authority = await createCertificateAuthority('bench');
    const { port } = await upstream.ask(
      'start',
      await authority.issueServer({ dns: [], ips: ['127.0.0.1'] }),
    );
    const cluster = {
      server: `https://127.0.0.1:${port}`,
      'certificate-authority-data': Buffer.from(authority.certificate).toString('base64'),
    };
    const { hubPort, dashboardPort } = await hub.ask('start', {
      profiles: buildProfiles(cluster),
      reviewMs,
      viewer,
    });
    const files = writeFiles(folder.path, `http://127.0.0.1:${hubPort}`);
    const start = async (name: string, ...extraArgs: readonly string[]): Promise<SidecarProcess> => {
      const started = await startSidecar({
        name,
        providerFile: files.providers,
        kubeconfigFile: files.kubeconfig,
        dashboardUrl: `http://127.0.0.1:${dashboardPort}`,
        logFolder: folder.path,
        extraArgs: [`--access-policy=${files.policy}`, '--cluster-inventory-namespaces=*', ...extraArgs],
      });
      sidecars.push(started);
      return started;
    };
    const open = await start('open', '--auth=none');
    const guarded = await start(
      'guarded',
      '--auth=hub',
      '--audit=all',
      `--audit-log=${join(folder.path, 'audit.jsonl')}`,
    );
    const names = await listFleet(open);
    return {
      hub,
      load,
      noise,
      open,
      guarded,
      clusterPaths: names.map((name) => `/clusters/${name}/api/v1/namespaces/shop/configmaps/settings`),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Those that the viewer may list, and the ones that traffic goes to. */
function buildProfiles(cluster: object): object[] {
  const build = (namespace: string, name: string): object => ({
    apiVersion: 'multicluster.x-k8s.io/v1alpha1',
    kind: 'ClusterProfile',
    metadata: {
      name,
      namespace,
      uid: `uid-${namespace}-${name}`,
      resourceVersion: '1',
      labels: { region: 'eu' },
    },
    spec: { displayName: `Cluster ${name}`, clusterManager: { name: 'bench' } },
    status: {
      version: { kubernetes: '1.36.0' },
      properties: [{ name: 'location', value: 'eu-west-1' }],
      conditions: [{ type: 'ControlPlaneHealthy', status: 'True', reason: 'Healthy', message: '' }],
      accessProviders: [{ name: 'bench', cluster }],
    },
  });
  return [
    ...Array.from({ length: clusterCount }, (_, index) => build('fleet', `fleet-${index}`)),
    ...viewer.namespaces.flatMap((namespace) =>
      Array.from({ length: profileCount / viewer.namespaces.length }, (_, index) =>
        build(namespace, `c-${index}`),
      ),
    ),
  ];
}

interface Files {
  readonly providers: string;
  readonly kubeconfig: string;
  readonly policy: string;
}

function writeFiles(folder: string, hubUrl: string): Files {
  const write = (name: string, value: object): string => {
    const file = join(folder, name);
    writeFileSync(file, JSON.stringify(value));
    return file;
  };
  const command = join(folder, 'plugin');
  const credential = { apiVersion, kind: 'ExecCredential', status: { token: buildToken('provider') } };
  writeFileSync(command, `#!/bin/sh\necho '${JSON.stringify(credential)}'\n`);
  chmodSync(command, 0o755);
  return {
    providers: write('providers.json', {
      providers: [{ name: 'bench', execConfig: { apiVersion, command } }],
    }),
    kubeconfig: write('kubeconfig.json', {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'hub', cluster: { server: hubUrl } }],
      users: [{ name: 'sidecar', user: { token: 'of-the-sidecar' } }],
      contexts: [{ name: 'hub', context: { cluster: 'hub', user: 'sidecar' } }],
      'current-context': 'hub',
    }),
    policy: write('policy.json', {
      apiVersion: 'cluster-inventory.headlamp.dev/v1alpha1',
      kind: 'AccessPolicy',
      defaults: { allowedServers: ['127.0.0.1:*'] },
    }),
  };
}

/** The names of the clusters that traffic goes to, once all profiles are there. */
function listFleet({ url }: SidecarProcess): Promise<string[]> {
  return until(
    async () => {
      const response = await fetch(`${url}/cluster-inventory/v1/clusters`);
      const { clusters } = (await response.json()) as {
        readonly clusters: readonly { readonly name: string; readonly namespace: string }[];
      };
      return (
        clusters.length === profileCount + clusterCount &&
        clusters.filter(({ namespace }) => namespace === 'fleet').map(({ name }) => name)
      );
    },
    { timeoutMs: 30_000, message: 'all profiles are served' },
  );
}
