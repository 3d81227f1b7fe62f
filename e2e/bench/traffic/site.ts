import { join } from 'node:path';
import { createCertificateAuthority, type CertificateAndKey } from '../../parts/certificates.ts';
import { startSidecar, type SidecarProcess } from '../../parts/sidecar.ts';
import { createTemporaryFolder } from '../../parts/temporaryFolder.ts';
import { buildSidecar } from '../builtSidecar.ts';
import { type Child, startChild } from '../childProcess.ts';
import type { ClientRequest } from '../client.ts';
import { askProbe, probeFile } from '../probe.ts';
import type { HubQuestions } from '../processes/hub.ts';
import type { LoadQuestions } from '../processes/load.ts';
import type { ProbeReport } from '../processes/probe.mjs';
import type { StreamQuestions } from '../processes/streams.ts';
import type { UpstreamQuestions } from '../processes/upstream.ts';
import { buildProfile, listServed, writeSidecarFiles } from '../sidecarInput.ts';
import type { SuiteOptions } from '../suite.ts';
import { buildToken } from '../tokens.ts';
import { startOtherTargets, type OtherTargets, type Target } from './targets.ts';

/** All processes of the traffic suite: load, each proxy, and the upstream apart from each other. */
export interface TrafficSite {
  readonly load: Child<LoadQuestions>;
  readonly streams: Child<StreamQuestions>;
  readonly upstream: Child<UpstreamQuestions>;
  readonly hub: Child<HubQuestions>;
  readonly straight: Target;
  readonly sidecar: Target;
  /** In the order in which each round asks them, those two among them. */
  readonly targets: readonly Target[];
  readonly unmeasured: OtherTargets['unmeasured'];
  /** Profiles whose clusters are another upstream, to be deleted. */
  readonly doomed: { readonly port: number; readonly names: readonly string[] };
  /** Another sidecar like it, which tells of its heap. */
  startProbed(): Promise<ProbedTarget>;
  stop(): Promise<void>;
}

export interface ProbedTarget extends Target {
  report(): Promise<ProbeReport>;
  stop(): Promise<void>;
}

const clusterCount = 4;
const doomedCount = 5;
const namespace = 'fleet';
const operator = { name: 'operator', namespaces: [namespace] };
const users = 16;
/** As the sidecar's container has it (docs/limits.md). */
const containerEnvironment = { MALLOC_ARENA_MAX: '1' };

/** Of 16 users, two thirds of them with a browser's headers; each path under each prefix of the target. */
export function buildRequests({ prefixes }: Target, path: string, count = 48): ClientRequest[] {
  return Array.from({ length: count }, (_, index) => ({
    path: `${prefixes[index % prefixes.length] ?? ''}${path}`,
    token: buildToken(`busy-${index % users}`),
    carrier: index % 3 === 2 ? 'bearer' : 'cookie',
  }));
}

export async function startSite({ tell, cpuProfileFolder }: SuiteOptions): Promise<TrafficSite> {
  const temporary = createTemporaryFolder('bench-traffic-');
  const folder = temporary.path;
  const started: { stop(): Promise<void> | void }[] = [{ stop: () => temporary.remove() }];
  const stop = async (): Promise<void> => {
    for (const each of started.splice(0).reverse()) await each.stop();
  };
  const keep = <C extends { end(): Promise<void> }>(child: C): C => {
    started.push({ stop: () => child.end() });
    return child;
  };
  try {
    tell('the sidecar is built');
    const built = await buildSidecar();
    started.push({ stop: () => built.remove() });
    const load = keep(startChild<LoadQuestions>('load.ts'));
    const streams = keep(startChild<StreamQuestions>('streams.ts'));
    const hub = keep(startChild<HubQuestions>('hub.ts'));
    const upstream = keep(startChild<UpstreamQuestions>('upstream.ts'));
    const doomedUpstream = keep(startChild<UpstreamQuestions>('upstream.ts'));
    const authority = await createCertificateAuthority('bench');
    const ca = authority.certificate;
    const serving: CertificateAndKey = await authority.issueServer({ dns: [], ips: ['127.0.0.1'] });
    const { port } = await upstream.ask('start', serving);
    const { port: doomedPort } = await doomedUpstream.ask('start', serving);
    const cluster = (to: number): object => ({
      server: `https://127.0.0.1:${to}`,
      'certificate-authority-data': Buffer.from(ca).toString('base64'),
    });
    const doomedNames = Array.from({ length: doomedCount }, (_, index) => `doomed-${index}`);
    const profiles = [
      ...Array.from({ length: clusterCount }, (_, index) =>
        buildProfile(namespace, `fleet-${index}`, cluster(port)),
      ),
      ...doomedNames.map((name) => buildProfile(namespace, name, cluster(doomedPort))),
    ];
    const content = { profiles, reviewMs: 5, viewer: operator };
    const { hubPort, dashboardPort } = await hub.ask('start', content);
    const files = writeSidecarFiles(folder, `http://127.0.0.1:${hubPort}`);
    const start = async (
      name: string,
      nodeArgs: readonly string[],
      environment: Readonly<Record<string, string>> = {},
    ): Promise<{ sidecar: SidecarProcess; target: Target; doomed: readonly string[] }> => {
      const sidecar = await startSidecar({
        name,
        mainFile: built.mainFile,
        nodeArgs,
        environment: { ...containerEnvironment, ...environment },
        providerFile: files.providers,
        kubeconfigFile: files.kubeconfig,
        dashboardUrl: `http://127.0.0.1:${dashboardPort}`,
        logFolder: folder,
        extraArgs: [
          `--access-policy=${files.policy}`,
          '--cluster-inventory-namespaces=*',
          '--auth=hub',
          `--audit-log=${join(folder, `${name}.audit.jsonl`)}`,
        ],
      });
      started.push(sidecar);
      const count = profiles.length;
      const names = (await listServed(sidecar, count, buildToken(operator.name))).map((each) => each.name);
      const doomed = names.filter((each) => each.includes('doomed'));
      const prefixes = names.filter((each) => !doomed.includes(each)).map((each) => `/clusters/${each}`);
      const target = { name, endpoint: { port: sidecar.port }, prefixes, group: sidecar.pid };
      return { sidecar, target, doomed };
    };
    const profiling =
      cpuProfileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${cpuProfileFolder}`];
    const { target: sidecar, doomed } = await start('sidecar', profiling);
    const straight: Target = { name: 'straight', endpoint: { port, ca }, prefixes: [''] };
    const upstreamUrl = `https://127.0.0.1:${port}`;
    const others = await startOtherTargets({
      folder,
      upstream: upstreamUrl,
      ca,
      tell,
      onStarted: (daemon) => started.push(daemon),
    });
    return {
      load,
      streams,
      upstream,
      hub,
      straight,
      sidecar,
      targets: [straight, sidecar, ...others.targets],
      unmeasured: others.unmeasured,
      doomed: { port: doomedPort, names: doomed },
      async startProbed() {
        const socketPath = join(folder, 'probe.sock');
        const probed = await start('probed', ['--expose-gc', '--import', probeFile], {
          BENCH_PROBE_SOCKET: socketPath,
        });
        return {
          ...probed.target,
          report: () => askProbe(socketPath),
          stop: () => probed.sidecar.stop(),
        };
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
