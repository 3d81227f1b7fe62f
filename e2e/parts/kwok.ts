import {
  chmodSync,
  chownSync,
  constants,
  copyFileSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import type { ApiServer } from './apiServer.ts';
import { findFreePort } from './freePort.ts';
import type { KubeObject } from './kubeClient.ts';
import { buildKwokConfig, type KwokPod } from './kwokConfig.ts';
import { writePodLogs } from './podLogs.ts';
import { startDaemon } from './processes.ts';
import { createTemporaryFolder } from './temporaryFolder.ts';
import { until } from './until.ts';

export const defaultPods: readonly KwokPod[] = [
  { namespace: 'default', name: 'hello', container: 'hello', image: 'hello:1.0' },
  { namespace: 'shop', name: 'frontend', container: 'frontend', image: 'frontend:2.3' },
  { namespace: 'shop', name: 'cart', container: 'cart', image: 'cart:1.7' },
];

export const nodeName = 'node-1';

export interface KwokOptions {
  /** The kwok binary. */
  readonly binary: string;
  /** The file with kwok's Stage documents. */
  readonly stagesFile: string;
  readonly server: ApiServer;
  readonly logFolder: string;
  readonly pods?: readonly KwokPod[];
  /** Between two lines of each Pod's log. */
  readonly logIntervalMs?: number;
}

export interface Kwok {
  readonly pods: readonly KwokPod[];
  stop(): Promise<void>;
}

/** `nobody`: exec in a Pod runs what it is told on this machine, so never with root's rights. */
const nobody = { uid: 65_534, gid: 65_534 };

/**
 * A node and running Pods with logs that grow, exec, attach and port-forward; all Pods are running when this resolves.
 * A command given to exec runs on this machine: as nobody when we are root, else as ourselves, in both cases in an
 * empty folder and without our environment.
 */
export async function startKwok({
  binary,
  stagesFile,
  server,
  logFolder,
  pods = defaultPods,
  logIntervalMs = 1_000,
}: KwokOptions): Promise<Kwok> {
  const isRoot = process.getuid?.() === 0;
  const temporary = createTemporaryFolder('kwok-');
  const folder = temporary.path;
  const give = (path: string): string => {
    if (isRoot) chownSync(path, nobody.uid, nobody.gid);
    return path;
  };
  const write = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return give(path);
  };
  const workFolder = join(folder, 'work');
  mkdirSync(workFolder);
  give(workFolder);
  give(folder);
  const web = await startWebServer(`Hello from the Pods of ${server.name}.\n`);
  const logs = pods.map((pod) => {
    const file = join(folder, `${pod.namespace}-${pod.name}.log`);
    return { ...pod, file, writer: writePodLogs(file, pod.container, logIntervalMs) };
  });
  const otherLogFile = join(folder, 'other.log');
  const otherLogs = writePodLogs(otherLogFile, 'pod', logIntervalMs);
  const nodePort = await findFreePort();
  const serving = await server.certificateAuthority.issueServer({ dns: [nodeName], ips: ['127.0.0.1'] });
  const config = buildKwokConfig({
    nodePort,
    certificateFile: write('serving.crt', serving.certificate),
    keyFile: write('serving.key', serving.key),
    workFolder,
    podLogFiles: logs,
    otherLogFile,
    forwardPort: web.port,
    stages: readFileSync(stagesFile, 'utf8'),
  });
  // The cache may lie where nobody cannot look; a copy is taken away again as soon as it runs.
  const command = join(folder, 'kwok');
  copyFileSync(binary, command, constants.COPYFILE_FICLONE);
  chmodSync(command, 0o755);
  const daemon = startDaemon({
    name: `kwok-${server.name}`,
    command,
    args: ['--config', write('kwok.yaml', config), '--kubeconfig', write('kubeconfig', server.kubeconfig)],
    logFolder,
    cwd: workFolder,
    env: { HOME: workFolder, PATH: '/usr/local/bin:/usr/bin:/bin', TERM: 'xterm' },
    ...(isRoot ? nobody : {}),
  });
  const stop = async (): Promise<void> => {
    for (const { writer } of logs) writer.stop();
    otherLogs.stop();
    await Promise.all([daemon.stop({ graceMs: 1_000 }), web.stop()]);
    temporary.remove();
  };
  try {
    const patience = { timeoutMs: 60_000, intervalMs: 100, giveUp: daemon.assertRunning };
    await createNode(server);
    // kwok misses a Pod that comes between its first sight of a node and its list of that node's Pods.
    await until(async () => (await server.client.list('/api/v1/nodes')).every(isReady), {
      ...patience,
      message: `the node of ${server.name} is ready`,
    });
    await createPods(server, pods);
    await until(async () => (await server.client.list('/api/v1/pods')).every(isRunning), {
      ...patience,
      message: `Pods of ${server.name} are running`,
    });
    rmSync(command);
  } catch (error) {
    await stop();
    throw error;
  }
  return { pods, stop };
}

function isRunning(pod: KubeObject): boolean {
  return (pod['status'] as { readonly phase?: string } | undefined)?.phase === 'Running';
}

function isReady(node: KubeObject): boolean {
  const status = node['status'] as
    { readonly conditions?: readonly { type: string; status: string }[] } | undefined;
  return status?.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') ?? false;
}

async function createNode({ client }: ApiServer): Promise<void> {
  await client.create('/api/v1/nodes', {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: nodeName,
      labels: { 'kubernetes.io/hostname': nodeName, 'kubernetes.io/os': 'linux', type: 'kwok' },
      annotations: { 'kwok.x-k8s.io/node': 'fake' },
    },
    status: {
      capacity: { cpu: '8', memory: '32Gi', pods: '110' },
      allocatable: { cpu: '8', memory: '32Gi', pods: '110' },
    },
  });
}

async function createPods({ client }: ApiServer, pods: readonly KwokPod[]): Promise<void> {
  for (const namespace of new Set(pods.map((pod) => pod.namespace))) {
    await client.apply(`/api/v1/namespaces/${namespace}`, {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace },
    });
  }
  await Promise.all(
    pods.map((pod) => client.create(`/api/v1/namespaces/${pod.namespace}/pods`, buildPod(pod))),
  );
}

/** A Pod on kwok's node: there is no scheduler. */
export function buildPod({ namespace, name, container, image }: KwokPod): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: { app: name } },
    spec: { nodeName, containers: [{ name: container, image, ports: [{ containerPort: 8080 }] }] },
  };
}

/** What `/bytes/<count>` of a Pod answers: a download of which every byte is known. */
export function makeBytes(count: number): Buffer {
  const bytes = Buffer.alloc(count);
  for (let index = 0; index < count; index++) bytes[index] = (index * 7 + (index >> 8)) & 0xff;
  return bytes;
}

async function startWebServer(text: string): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const server: Server = createServer(({ url = '' }, response) => {
    const bytes = /^\/bytes\/(\d+)$/.exec(url)?.[1];
    response.setHeader('content-type', 'text/plain');
    response.end(bytes === undefined ? text : makeBytes(Number(bytes)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  server.unref();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
