import { mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { ClustersResponse } from '../../sidecar/src/api/clusterTypes.ts';
import { installPlugin } from '../dashboard/backend/pluginFolder.ts';
import { startDashboard } from '../dashboard/startDashboard.ts';
import { type AccessKind, type Fleet, startFleet } from '../parts/fleet.ts';
import { findFreePort, isPortFree } from '../parts/freePort.ts';
import { type Progress, silent } from '../parts/progress.ts';
import { type SidecarProcess, startSidecar } from '../parts/sidecar.ts';
import { until } from '../parts/until.ts';
import { lockName } from './demoLock.ts';
import { demoAccounts, type DemoSignIn, prepareUsers } from './demoUsers.ts';
import { publishMore } from './publishMore.ts';

export interface DemoParts {
  /** Undefined: 4466, or a free one when that is taken. */
  readonly port: number | undefined;
  readonly clusters: number;
  /** Kubeconfigs, the provider file, `bin/kubectl` and `logs/` go here; emptied first. */
  readonly folder: string;
  /** `hub`: with the users of demoUsers.ts, who sign in. `none`: everyone who reaches it may everything. */
  readonly auth: 'hub' | 'none';
  /** Shows what is going on; a test needs none. */
  readonly runStep?: RunStep;
}

export type RunStep = <T>(
  title: 'Hub and spokes' | 'Dashboard and sidecar',
  run: (progress: Progress) => Promise<T>,
) => Promise<T>;

export interface Demo {
  readonly url: string;
  readonly adminUrl: string;
  readonly fleet: Fleet;
  readonly clusters: readonly DemoCluster[];
  /** Of the users, by name; empty where nobody signs in. */
  readonly tokens: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

export interface DemoCluster {
  readonly name: string;
  readonly displayName: string;
  readonly access: string;
}

const usualPort = 4466;
const pluginBuild = join(import.meta.dirname, '..', '..', 'plugin', 'dist');
const spokeAccess: readonly {
  readonly access: AccessKind;
  readonly displayName: string;
  readonly shows: string;
}[] = [
  { access: 'token', displayName: 'payments-prod-eu-1', shows: 'token, by secretreader' },
  {
    access: 'certificate',
    displayName: 'payments-prod-us-1',
    shows: 'client certificate, by kubeconfig-secretreader',
  },
  { access: 'failing', displayName: 'batch-gpu', shows: 'fails: its Secret is missing' },
];

/** The whole product on real parts; everything answers when this resolves, and what was started ends when it fails. */
export async function startDemo({
  port,
  clusters,
  folder,
  auth,
  runStep = (_title, run) => run(silent),
}: DemoParts): Promise<Demo> {
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) {
    if (name !== lockName) rmSync(join(folder, name), { recursive: true, force: true });
  }
  const started: Stoppable[] = [];
  const stop = async (): Promise<void> => {
    // The sidecar first: it would report the others as lost.
    for (const part of started.splice(0).reverse()) await part.stop();
  };
  try {
    const { fleet, published, signIn } = await runStep('Hub and spokes', async (progress) => {
      const fleet = await startFleet({
        folder,
        progress,
        ...(auth === 'hub' ? { users: demoAccounts, impersonation: true } : {}),
      });
      started.push(fleet);
      linkKubectl(fleet);
      progress('publishing ClusterProfiles');
      const published = await publishEach(fleet);
      await publishMore(fleet, clusters - published.length, progress);
      if (auth === 'hub') progress('giving the users their rights');
      const signIn = auth === 'hub' ? await prepareUsers(fleet) : undefined;
      return { fleet, published, signIn };
    });
    const sidecar = await runStep('Dashboard and sidecar', (progress) =>
      startServers(fleet, { port, clusters, folder, progress, started, signIn }),
    );
    return {
      url: `${sidecar.url}/`,
      adminUrl: sidecar.adminUrl,
      fleet,
      clusters: published,
      tokens: signIn?.tokens ?? {},
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** It may be nowhere but in the cache of built parts. */
function linkKubectl({ folder, binaries }: Fleet): void {
  mkdirSync(join(folder, 'bin'));
  symlinkSync(binaries.programs.kubectl.path, join(folder, 'bin', 'kubectl'));
}

interface Stoppable {
  stop(): Promise<void>;
}

/** One profile for each spoke, each with an access of its own. */
async function publishEach(fleet: Fleet): Promise<DemoCluster[]> {
  const published: DemoCluster[] = [];
  for (const [index, { access, displayName, shows }] of spokeAccess.entries()) {
    const spoke = fleet.spokes[index];
    if (!spoke) throw new Error('the fleet has too few spokes');
    await fleet.publish(spoke, { access, name: displayName, displayName });
    published.push({ name: displayName, displayName, access: shows });
  }
  return published;
}

interface ServerParts {
  readonly port: number | undefined;
  readonly clusters: number;
  readonly folder: string;
  readonly progress: Progress;
  readonly started: Stoppable[];
  readonly signIn: DemoSignIn | undefined;
}

async function startServers(
  { hub, hubKubeconfigFile, providerFile, logFolder }: Fleet,
  { port, clusters, folder, progress, started, signIn }: ServerParts,
): Promise<SidecarProcess> {
  progress('starting the dashboard');
  const pluginDir = join(folder, 'plugins');
  await installPlugin({ distDir: pluginBuild, pluginDir, name: 'cluster-inventory' });
  const dashboard = await startDashboard({
    // Without a token of its own the dashboard serves its cluster to those who signed in.
    hub: { url: hub.url, ca: hub.ca, ...(signIn ? {} : { token: hub.tokens['admin'] ?? '' }) },
    pluginDir,
  });
  started.push(dashboard);
  progress('starting the sidecar');
  const sidecar = await startSidecar({
    providerFile,
    kubeconfigFile: signIn?.sidecarKubeconfigFile ?? hubKubeconfigFile,
    dashboardUrl: dashboard.url,
    logFolder,
    // A dashboard on loopback serves no Host but its own.
    extraArgs: [`--dashboard-host=127.0.0.1:${dashboard.port}`, `--auth=${signIn ? 'hub' : 'none'}`],
    port: port ?? ((await isPortFree(usualPort)) ? usualPort : await findFreePort()),
  });
  started.push(sidecar);
  progress('waiting for the clusters');
  const token = signIn?.tokens['ana'];
  await until(async () => (await listClusters(sidecar.url, token)).length >= clusters, {
    timeoutMs: 30_000,
    message: 'the sidecar does not list the clusters',
  });
  progress('asking each cluster of its own once');
  await askEachOnce(sidecar.url, token);
  return sidecar;
}

function authorize(token: string | undefined): RequestInit {
  return token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } };
}

async function listClusters(url: string, token: string | undefined): Promise<ClustersResponse['clusters']> {
  const answer = await fetch(`${url}/cluster-inventory/v1/clusters`, authorize(token));
  return ((await answer.json()) as ClustersResponse).clusters;
}

/** The sidecar knows how a cluster is from the first request to it on: so the list has something to show. */
async function askEachOnce(url: string, token: string | undefined): Promise<void> {
  const own = new Set(spokeAccess.map(({ displayName }) => displayName));
  for (const { name, displayName } of await listClusters(url, token)) {
    if (!own.has(displayName)) continue;
    const answer = await fetch(`${url}/clusters/${name}/version`, authorize(token));
    await answer.text();
  }
}
