import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildAccessProvider } from './access.ts';
import { startBareDashboard } from './bareDashboard.ts';
import { resolveBinaries } from './binaries.ts';
import { startEtcd } from './etcd.ts';
import { startHub, type AccessProvider, type Hub } from './hub.ts';
import { buildKubeconfig, type KubeconfigCluster } from './kubeconfig.ts';
import { startSidecar, type SidecarOptions, type SidecarProcess } from './sidecar.ts';
import { createTemporaryFolder } from './temporaryFolder.ts';
import type { TokenCluster } from './tokenCluster.ts';

const pluginFile = join(import.meta.dirname, '../../sidecar/test/fixtures/plugins/plugin.mjs');

/** A real hub, and sidecars whose one provider is the fixture plugin: each of its runs is seen, and may be made to fail. */
export interface FaultFleet {
  readonly hub: Hub;
  /** Of the ClusterProfile CRD. */
  readonly crdFile: string;
  readonly folder: string;
  readonly providerFile: string;
  /** One for each run so far, in their order. */
  runs(): readonly PluginRun[];
  /** `<cluster>.<generation>` of each run that began while another one for the same was under way. */
  overlaps(): readonly string[];
  /** Variables of the fixture plugin for the runs of one cluster from now on; undefined for an ordinary plugin. */
  controlPlugin(cluster: string, variables: Readonly<Record<string, string>> | undefined): void;
  /** Creates a profile that leads to this cluster. A token of it is `<cluster>.<generation>.<milliseconds>`. */
  publish(name: string, cluster: TokenCluster, generation?: string, namespace?: string): Promise<void>;
  /** A sidecar without sign-in. Its roots are `store/<context>`, each the hub as it is reached by that URL. */
  startSidecar(roots: Readonly<Record<string, HubAddress>>, more?: SidecarExtras): Promise<SidecarProcess>;
  stop(): Promise<void>;
}

export type SidecarExtras = Pick<SidecarOptions, 'name' | 'extraArgs' | 'nodeArgs' | 'environment'>;

export interface HubAddress {
  readonly url: string;
  /** The admin's if not told. */
  readonly token?: string;
}

export interface PluginRun {
  readonly pid: number;
  /** What the plugin was told, as JSON. */
  readonly execInfo: string;
}

export function buildFixtureAccess(cluster: TokenCluster, generation: string): AccessProvider {
  return buildAccessProvider('fixture', cluster, { cluster: cluster.name, generation });
}

export async function startFaultFleet(users: readonly string[] = []): Promise<FaultFleet> {
  const binaries = await resolveBinaries();
  const data = createTemporaryFolder('faults-');
  const { path: folder } = data;
  const [logFolder, runsFolder, controlFolder] = ['logs', 'runs', 'control'].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  for (const each of [logFolder, runsFolder, controlFolder]) mkdirSync(each);
  const etcd = await startEtcd({ binary: binaries.programs.etcd.path, dataFolder: folder, logFolder });
  const hub = await startHub({
    binary: binaries.programs['kube-apiserver'].path,
    etcd,
    name: 'hub',
    dataFolder: folder,
    logFolder,
    crdFile: binaries.crdFile,
    users: users.map((name) => ({ name })),
  }).catch(async (error: unknown) => {
    await etcd.stop();
    data.remove();
    throw error;
  });
  const dashboard = await startBareDashboard();
  const runLog = join(folder, 'runs.jsonl');
  const providerFile = join(folder, 'providers.json');
  writeFileSync(providerFile, JSON.stringify(buildFixtureProviders({ runLog, runsFolder, controlFolder })));
  const sidecars: SidecarProcess[] = [];
  return {
    hub,
    crdFile: binaries.crdFile,
    folder,
    providerFile,
    runs: () => readLines(runLog).map((line) => JSON.parse(line) as PluginRun),
    overlaps: () => readLines(join(runsFolder, 'overlaps')),
    controlPlugin(cluster, variables) {
      const file = join(controlFolder, `${cluster}.json`);
      if (variables === undefined) rmSync(file, { force: true });
      else writeFileSync(file, JSON.stringify(variables));
    },
    async publish(name, cluster, generation = '1', namespace = 'default') {
      await hub.createProfile({ name, namespace, displayName: name });
      await hub.patchStatus(name, { accessProviders: [buildFixtureAccess(cluster, generation)] }, namespace);
    },
    async startSidecar(roots, { extraArgs = [], ...more } = {}) {
      const kubeconfigFile = join(folder, `${more.name ?? 'sidecar'}.kubeconfig`);
      const contexts = Object.entries(roots).map(([name, { url, token = hub.tokens['admin'] ?? '' }]) => ({
        name,
        server: url,
        ca: hub.ca,
        namespace: 'default',
        user: { token },
      }));
      writeFileSync(kubeconfigFile, buildKubeconfig(...(contexts as [KubeconfigCluster])));
      const sidecar = await startSidecar({
        providerFile,
        kubeconfigFile,
        dashboardUrl: dashboard.url,
        logFolder,
        ...more,
        extraArgs: ['--auth=none', ...extraArgs],
      });
      sidecars.push(sidecar);
      return sidecar;
    },
    async stop() {
      await Promise.all(sidecars.map((each) => each.stop()));
      await Promise.all([hub.stop(), dashboard.close()]);
      await etcd.stop();
      data.remove();
    },
  };
}

function buildFixtureProviders(files: {
  readonly runLog: string;
  readonly runsFolder: string;
  readonly controlFolder: string;
}): object {
  const env = {
    PLUGIN_LOG: files.runLog,
    PLUGIN_RUNS: files.runsFolder,
    PLUGIN_CONTROL: files.controlFolder,
    PLUGIN_TOKEN_PER_RUN: 'yes',
  };
  return {
    providers: [
      {
        name: 'fixture',
        execConfig: {
          apiVersion: 'client.authentication.k8s.io/v1',
          command: process.execPath,
          args: [pluginFile],
          env: Object.entries(env).map(([name, value]) => ({ name, value })),
          provideClusterInfo: true,
        },
      },
    ],
  };
}

function readLines(file: string): readonly string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
}
