import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { resolveBinaries } from '../../parts/binaries.ts';
import { startEtcd } from '../../parts/etcd.ts';
import { startHub, type Hub } from '../../parts/hub.ts';
import { spawnSidecar, type SidecarProcess } from '../../parts/sidecar.ts';
import { createTemporaryFolder } from '../../parts/temporaryFolder.ts';
import { buildSidecar } from '../builtSidecar.ts';
import { startChild } from '../childProcess.ts';
import { askProbe, probeFile } from '../probe.ts';
import type { HubQuestions } from '../processes/hub.ts';
import type { ProbeReport } from '../processes/probe.mjs';
import { emptyHub, fillHub } from './profiles.ts';

/** A real API server as the hub, a dashboard with one cluster of its own, and sidecars between them. */
export interface BenchSite {
  readonly hub: Hub;
  readonly folder: string;
  /** Context `hub`, admin, namespace `default`. */
  readonly kubeconfigFile: string;
  createNamespace(name: string): Promise<void>;
  /** As many profiles in `default`; never fewer than there were. */
  fill(count: number, tell: (line: string) => void): Promise<void>;
  /** How many there are. */
  filled(): number;
  /** Deletes them all. */
  empty(tell: (line: string) => void): Promise<void>;
  /** The built sidecar; it has just been spawned when this resolves. */
  spawn(options?: SpawnOptions): Promise<MeasuredSidecar>;
  stop(): Promise<void>;
}

export interface SpawnOptions {
  readonly kubeconfigFile?: string;
  readonly providers?: readonly object[];
  readonly extraArgs?: readonly string[];
}

export interface MeasuredSidecar extends SidecarProcess {
  /** On the clock of `performance.now()`. */
  readonly spawnedAt: number;
  readonly assertRunning: () => void;
  /** What the probe in it saw since the last time. */
  report(): Promise<ProbeReport>;
}

export const execApiVersion = 'client.authentication.k8s.io/v1';

export async function startSite(tell: (line: string) => void): Promise<BenchSite> {
  const { programs, crdFile } = await resolveBinaries({ progress: tell });
  const temporary = createTemporaryFolder('bench-discovery-');
  const folder = temporary.path;
  const started: { stop(): Promise<void> | void }[] = [{ stop: () => temporary.remove() }];
  const stop = async (): Promise<void> => {
    for (const each of started.splice(0).reverse()) await each.stop();
  };
  try {
    const built = await buildSidecar();
    started.push({ stop: () => built.remove() });
    const dashboard = startChild<HubQuestions>('hub.ts');
    started.push({ stop: () => dashboard.end() });
    const nobody = { name: '', namespaces: [] };
    const { dashboardPort } = await dashboard.ask('start', { profiles: [], reviewMs: 0, viewer: nobody });
    const common = { dataFolder: folder, logFolder: folder };
    const etcd = await startEtcd({ binary: programs.etcd.path, ...common });
    started.push(etcd);
    tell('the hub starts');
    const hub = await startHub({
      binary: programs['kube-apiserver'].path,
      etcd,
      name: 'hub',
      crdFile,
      ...common,
    });
    started.push(hub);
    const kubeconfigFile = join(folder, 'hub.kubeconfig');
    writeFileSync(kubeconfigFile, hub.kubeconfig);
    let filled = 0;
    let spawned = 0;
    return {
      hub,
      folder,
      kubeconfigFile,
      async createNamespace(name) {
        await hub.client.create('/api/v1/namespaces', { metadata: { name } });
      },
      async fill(count, say) {
        if (count <= filled) return;
        await fillHub(hub, filled, count, say);
        filled = count;
      },
      filled: () => filled,
      async empty(say) {
        await emptyHub(hub, filled, say);
        filled = 0;
      },
      async spawn({ providers = [buildProvider('bench', '/bin/false')], extraArgs = [], ...rest } = {}) {
        const name = `sidecar-${spawned++}`;
        const socketPath = join(folder, `${name}.sock`);
        const providerFile = join(folder, `${name}.providers.json`);
        writeFileSync(providerFile, JSON.stringify({ providers }));
        const spawnedAt = performance.now();
        const { sidecar, assertRunning } = await spawnSidecar({
          name,
          mainFile: built.mainFile,
          nodeArgs: ['--expose-gc', '--import', probeFile],
          environment: { BENCH_PROBE_SOCKET: socketPath },
          providerFile,
          kubeconfigFile: rest.kubeconfigFile ?? kubeconfigFile,
          dashboardUrl: `http://127.0.0.1:${dashboardPort}`,
          logFolder: folder,
          extraArgs: ['--auth=none', ...extraArgs],
        });
        const measured = { ...sidecar, stop: once(() => sidecar.stop()) };
        started.push(measured);
        return { ...measured, spawnedAt, assertRunning, report: () => askProbe(socketPath) };
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

export function buildProvider(name: string, command: string): object {
  return { name, execConfig: { apiVersion: execApiVersion, command, provideClusterInfo: true } };
}

/** What is stopped by its measurement is stopped again with the site. */
function once(stop: () => Promise<void>): () => Promise<void> {
  let stopping: Promise<void> | undefined;
  return () => (stopping ??= stop());
}
