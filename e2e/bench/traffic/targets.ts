import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { findFreePort } from '../../parts/freePort.ts';
import { findParts } from '../../parts/findParts.mjs';
import { createGoTool } from '../../parts/goBuild.ts';
import { startDaemon } from '../../parts/processes.ts';
import { until } from '../../parts/until.ts';
import type { Endpoint } from '../client.ts';

/** A way to the upstream: itself, or through one proxy that is a process of its own. */
export interface Target {
  readonly name: string;
  readonly endpoint: Endpoint;
  /** In front of a path of the upstream's; requests take turns where there are several. */
  readonly prefixes: readonly string[];
  /** The proxy's process group. */
  readonly group?: number;
}

/** What stands beside the sidecar in the table, and why it does not. */
export interface OtherTargets {
  readonly targets: readonly Target[];
  readonly unmeasured: readonly { readonly name: string; readonly why: string }[];
}

export interface TargetOptions {
  readonly folder: string;
  /** Its origin. */
  readonly upstream: string;
  readonly ca: string;
  readonly tell: (line: string) => void;
  /** Ends with the suite. */
  readonly onStarted: (daemon: { stop(): Promise<void> }) => void;
}

interface Plan {
  readonly name: string;
  readonly command: string;
  readonly args: (port: number) => readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly prefix?: string;
}

const bench = join(import.meta.dirname, '..');
export const headlampName = 'Headlamp core';

export async function startOtherTargets(options: TargetOptions): Promise<OtherTargets> {
  const caFile = join(options.folder, 'ca.pem');
  writeFileSync(caFile, options.ca);
  const kubeconfigFile = join(options.folder, 'upstream.kubeconfig');
  writeFileSync(kubeconfigFile, buildKubeconfig(options));
  const relay = (name: string, file: string): Plan => ({
    name,
    command: process.execPath,
    args: (port) => [
      join(bench, 'relays', file),
      `--upstream=${options.upstream}`,
      `--ca=${caFile}`,
      `--port=${port}`,
    ],
    env: { NODE_EXTRA_CA_CERTS: caFile },
  });
  const plans: (Plan | { readonly name: string; readonly why: string })[] = [
    relay('undici relay', 'undici.ts'),
    relay('raw relay', 'raw.ts'),
    await planGo('Go ReverseProxy', caFile, options),
    planKubectl('kubectl proxy', kubeconfigFile),
    relay('http-proxy-middleware', 'httpProxyMiddleware.ts'),
    planHeadlamp(headlampName, kubeconfigFile, options.folder),
  ];
  const targets: Target[] = [];
  for (const plan of plans) if ('command' in plan) targets.push(await startTarget(plan, options));
  return { targets, unmeasured: plans.filter((plan) => 'why' in plan) };
}

async function startTarget(plan: Plan, { folder, onStarted }: TargetOptions): Promise<Target> {
  const port = await findFreePort();
  const daemon = startDaemon({
    name: plan.name.replaceAll(' ', '-'),
    command: plan.command,
    args: plan.args(port),
    logFolder: folder,
    env: { ...plan.env, HOME: folder },
    cwd: folder,
  });
  onStarted(daemon);
  await until(() => isListening(port), {
    timeoutMs: 30_000,
    message: `${plan.name} listens`,
    giveUp: daemon.assertRunning,
  });
  return { name: plan.name, endpoint: { port }, prefixes: [plan.prefix ?? ''], group: daemon.pid };
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true));
    socket.on('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

async function planGo(
  name: string,
  caFile: string,
  { folder, upstream, tell }: TargetOptions,
): Promise<Plan | { name: string; why: string }> {
  const go = createGoTool(join(bench, 'go'), process.env);
  if ((await go.readVersion()) === undefined) return { name, why: 'there is no Go' };
  const command = join(folder, 'reverseproxy');
  await go.build('.', command, tell);
  return {
    name,
    command,
    args: (port) => ['-upstream', upstream, '-listen', `127.0.0.1:${port}`, '-ca', caFile],
  };
}

function planKubectl(name: string, kubeconfigFile: string): Plan | { name: string; why: string } {
  const kubectl = findParts(process.env).found.get('kubectl');
  if (!kubectl) return { name, why: 'there is no kubectl' };
  const args = (port: number): string[] => [
    'proxy',
    `--kubeconfig=${kubeconfigFile}`,
    `--port=${port}`,
    // Exec is refused otherwise.
    '--reject-paths=^$',
  ];
  return { name, command: kubectl.path, args };
}

function planHeadlamp(
  name: string,
  kubeconfigFile: string,
  folder: string,
): Plan | { name: string; why: string } {
  const command = process.env['HEADLAMP_SERVER'] ?? '';
  if (command === '') return { name, why: 'HEADLAMP_SERVER names none' };
  const args = (port: number): string[] => [
    ...['-port', String(port)],
    ...['-listen-addr', '127.0.0.1'],
    ...['-kubeconfig', kubeconfigFile],
    ...['-plugins-dir', folder],
  ];
  return { name, command, args, prefix: `/clusters/${contextName}` };
}

const contextName = 'upstream';

/** JSON is YAML. */
function buildKubeconfig({ upstream, ca }: TargetOptions): string {
  const data = Buffer.from(ca).toString('base64');
  const name = contextName;
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server: upstream, 'certificate-authority-data': data } }],
    users: [{ name, user: { token: 'of-the-bench' } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  });
}
