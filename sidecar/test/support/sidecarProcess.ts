import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildClusterName } from '../../src/clusters/clusterName.ts';
import { buildProfileKey } from '../../src/inventory/profileKey.ts';
import { profileObject, startFakeHub } from './fakeHub.ts';
import { providersWith, writePlugin } from './startSidecar.ts';
import { until } from './until.ts';

/** What a process holds: after garbage collection, in bytes. */
export interface Holding {
  readonly heapUsed: number;
  readonly rss: number;
  readonly descriptors: number;
  /** Processes that it has started and that are there. */
  readonly children: number;
}

/** The sidecar as a process of its own, with a hub; without sign-in, one provider `p`. */
export interface SidecarProcess {
  readonly pid: number;
  readonly port: number;
  readonly adminPort: number;
  /** The lines of its log so far. */
  readonly log: string;
  /** The code or the signal with which it has ended. */
  readonly ended: string | undefined;
  pathOf(cluster: string): string;
  /** Of its memory as it is, without a garbage collection. */
  readRss(): number;
  hold(): Promise<Holding>;
  close(): Promise<void>;
}

export interface SidecarProcessParts {
  /** The `cluster` of the access provider of each profile, by the profile's name. */
  readonly clusters: Readonly<Record<string, object>>;
  /** How many files and sockets it may have open at once. */
  readonly maxDescriptors?: number;
}

const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts');
const observer = join(import.meta.dirname, '..', 'fixtures', 'observe.mjs');

export async function startSidecarProcess({
  clusters,
  maxDescriptors,
}: SidecarProcessParts): Promise<SidecarProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'sidecar-process-'));
  const write = (name: string, value: object): Promise<void> =>
    writeFile(join(folder, name), JSON.stringify(value));
  const hub = await startFakeHub();
  hub.items = Object.entries(clusters).map(([name, cluster]) =>
    profileObject(name, {}, { status: { accessProviders: [{ name: 'p', cluster }] } }),
  );
  await write('providers', providersWith({ command: await writePlugin(folder, 'of-the-provider') }));
  await write('kubeconfig', {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'hub', cluster: { server: hub.root.server } }],
    users: [{ name: 'hub', user: { token: 't' } }],
    contexts: [{ name: 'hub', context: { cluster: 'hub', user: 'hub' } }],
  });
  const observedFile = join(folder, 'observed');
  const args = [
    '--expose-gc',
    `--import=${observer}`,
    main,
    `--cluster-inventory-provider-file=${join(folder, 'providers')}`,
    `--kubeconfig=${join(folder, 'kubeconfig')}`,
    '--auth=none',
    '--listen=127.0.0.1:0',
    '--admin-listen=127.0.0.1:0',
    '--log-format=json',
  ];
  const environment = { PATH: process.env['PATH'], OBSERVED_FILE: observedFile };
  const limit = maxDescriptors === undefined ? '' : `ulimit -n ${maxDescriptors}; `;
  const child: ChildProcess = spawn('sh', ['-c', `${limit}exec "$0" "$@"`, process.execPath, ...args], {
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  let ended: string | undefined;
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (log += text));
  child.once('exit', (code, signal) => (ended = signal ?? String(code)));
  const close = async (): Promise<void> => {
    if (ended === undefined) child.kill('SIGKILL');
    await until('it has ended', () => ended !== undefined);
    await hub.close();
    await rm(folder, { recursive: true });
  };
  const readPorts = (): { readonly port: number; readonly adminPort: number } | undefined => {
    const line = log.split('\n').find((each) => each.includes('"adminPort"'));
    return line === undefined ? undefined : (JSON.parse(line) as { port: number; adminPort: number });
  };
  try {
    await until('it serves', () => {
      if (ended !== undefined) throw new Error(`it ended with ${ended}: ${log}`);
      return readPorts() !== undefined && hub.watches.length === 1;
    });
  } catch (error) {
    await close();
    throw error;
  }
  const { port, adminPort } = readPorts() ?? { port: 0, adminPort: 0 };
  const pid = child.pid ?? 0;
  return {
    pid,
    port,
    adminPort,
    get log() {
      return log;
    },
    get ended() {
      return ended;
    },
    pathOf: (cluster) => `/clusters/${buildClusterName(buildProfileKey('store/hub', 'default', cluster))}`,
    readRss() {
      const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
      return pages * 4096;
    },
    async hold() {
      const lines = (): readonly string[] =>
        existsSync(observedFile) ? readFileSync(observedFile, 'utf8').split('\n').slice(0, -1) : [];
      const before = lines().length;
      process.kill(pid, 'SIGUSR2');
      await until('it says what it holds', () => lines().length > before);
      const { heapUsed, rss } = JSON.parse(lines().at(-1) ?? '') as { heapUsed: number; rss: number };
      const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').length - 1;
      return { heapUsed, rss, descriptors: readdirSync(`/proc/${pid}/fd`).length, children };
    },
    close,
  };
}
