import { join } from 'node:path';
import { createCertificateAuthority } from '../../parts/certificates.ts';
import { startSidecar, type SidecarProcess } from '../../parts/sidecar.ts';
import { createTemporaryFolder } from '../../parts/temporaryFolder.ts';
import { type Child, startChild } from '../childProcess.ts';
import type { HubProfile, HubQuestions } from '../processes/hub.ts';
import type { LoadQuestions } from '../processes/load.ts';
import type { UpstreamQuestions } from '../processes/upstream.ts';
import { buildProfile, listServed, writeSidecarFiles } from '../sidecarInput.ts';

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
    const files = writeSidecarFiles(folder.path, `http://127.0.0.1:${hubPort}`);
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
    const served = await listServed(open, profileCount + clusterCount);
    const names = served.filter(({ namespace }) => namespace === 'fleet').map(({ name }) => name);
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
function buildProfiles(cluster: object): HubProfile[] {
  const build = (namespace: string, name: string): HubProfile => buildProfile(namespace, name, cluster);
  return [
    ...Array.from({ length: clusterCount }, (_, index) => build('fleet', `fleet-${index}`)),
    ...viewer.namespaces.flatMap((namespace) =>
      Array.from({ length: profileCount / viewer.namespaces.length }, (_, index) =>
        build(namespace, `c-${index}`),
      ),
    ),
  ];
}
