import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createCertificateAuthority, type CertificateAuthority } from './certificates.ts';
import type { Etcd } from './etcd.ts';
import { findFreePort } from './freePort.ts';
import { createKubeClient, type KubeClient } from './kubeClient.ts';
import { buildKubeconfig } from './kubeconfig.ts';
import { startDaemon, type Daemon } from './processes.ts';
import { until } from './until.ts';

/** Somebody with a static token. */
export interface StaticUser {
  readonly name: string;
  readonly groups?: readonly string[];
}

export interface ApiServerOptions {
  /** The kube-apiserver binary. */
  readonly binary: string;
  readonly etcd: Etcd;
  /** Names its etcd prefix, its folder, its log and its kubeconfig's context: unique among the servers of an etcd. */
  readonly name: string;
  readonly dataFolder: string;
  readonly logFolder: string;
  /** Besides `admin`, who is in system:masters. Their tokens are in `tokens`. */
  readonly users?: readonly StaticUser[];
  /** Further flags, e.g. structured authentication. */
  readonly extraArgs?: readonly string[];
}

export interface ApiServer {
  readonly name: string;
  readonly url: string;
  /** PEM: what its clients trust. */
  readonly ca: string;
  /** Issues client certificates that it accepts. */
  readonly certificateAuthority: CertificateAuthority;
  /** By user name; `admin` is always there. */
  readonly tokens: Readonly<Record<string, string>>;
  /** The admin's kubeconfig, with namespace `default`. */
  readonly kubeconfig: string;
  /** The admin's client. */
  readonly client: KubeClient;
  clientAs(user: string): KubeClient;
  stop(): Promise<void>;
}

/** A kube-apiserver on loopback with RBAC, static tokens and client certificates; ready when this resolves. */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const folder = join(options.dataFolder, options.name);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const certificateAuthority = await createCertificateAuthority(`${options.name} CA`);
  const tokens = Object.fromEntries(
    ['admin', ...(options.users ?? []).map(({ name }) => name)].map((name) => [
      name,
      `${name.replace(/[^a-z0-9]/gi, '-')}-of-${options.name}-${randomText()}`,
    ]),
  );
  await writeInputs(folder, certificateAuthority, tokens, options.users ?? []);

  const { daemon, url } = await spawnApiServer(folder, options);
  const clients: KubeClient[] = [];
  const clientWith = (token: string): KubeClient => {
    const client = createKubeClient({ url, ca: certificateAuthority.certificate, token });
    clients.push(client);
    return client;
  };
  const client = clientWith(tokens['admin'] ?? '');
  const stop = async (): Promise<void> => {
    await Promise.all([...clients.map((each) => each.close()), daemon.stop({ graceMs: 1_000 })]);
  };
  try {
    const answers = async (path: string): Promise<boolean> => (await client.raw('GET', path)).status === 200;
    await until(async () => (await answers('/readyz')) && (await answers('/api/v1/namespaces/default')), {
      timeoutMs: 120_000,
      message: `API server ${options.name} is ready`,
      intervalMs: 100,
      giveUp: daemon.assertRunning,
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    name: options.name,
    url,
    ca: certificateAuthority.certificate,
    certificateAuthority,
    tokens,
    kubeconfig: buildKubeconfig({
      name: options.name,
      server: url,
      ca: certificateAuthority.certificate,
      namespace: 'default',
      user: { token: tokens['admin'] ?? '' },
    }),
    client,
    clientAs: (user) => {
      const token = tokens[user];
      if (token === undefined) throw new Error(`${options.name} knows no user ${user}`);
      return clientWith(token);
    },
    stop,
  };
}

async function writeInputs(
  folder: string,
  ca: CertificateAuthority,
  tokens: Readonly<Record<string, string>>,
  users: readonly StaticUser[],
): Promise<void> {
  const write = (name: string, text: string): void =>
    writeFileSync(join(folder, name), text, { mode: 0o600 });
  const serving = await ca.issueServer({ dns: ['localhost', 'kubernetes.default.svc'], ips: ['127.0.0.1'] });
  write('ca.crt', ca.certificate);
  write('serving.crt', serving.certificate);
  write('serving.key', serving.key);
  // SEC1: kube-apiserver refuses an EC key in PKCS#8 here.
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  write('service-account.key', String(privateKey.export({ type: 'sec1', format: 'pem' })));
  const rows = [{ name: 'admin', groups: ['system:masters'] }, ...users].map(
    ({ name, groups = [] }) => `${tokens[name] ?? ''},${name},${name},"${groups.join(',')}"`,
  );
  write('tokens.csv', `${rows.join('\n')}\n`);
}

async function spawnApiServer(
  folder: string,
  { binary, etcd, name, logFolder, extraArgs = [] }: ApiServerOptions,
): Promise<{ readonly daemon: Daemon; readonly url: string }> {
  const file = (each: string): string => join(folder, each);
  const port = await findFreePort();
  const daemon = startDaemon({
    name: `apiserver-${name}`,
    command: binary,
    args: [
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      `--secure-port=${port}`,
      `--cert-dir=${folder}`,
      `--tls-cert-file=${file('serving.crt')}`,
      `--tls-private-key-file=${file('serving.key')}`,
      `--etcd-servers=${etcd.url}`,
      `--etcd-prefix=/${name}`,
      `--token-auth-file=${file('tokens.csv')}`,
      `--client-ca-file=${file('ca.crt')}`,
      '--authorization-mode=RBAC',
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${file('service-account.key')}`,
      `--service-account-signing-key-file=${file('service-account.key')}`,
      '--service-cluster-ip-range=10.10.0.0/24',
      '--endpoint-reconciler-type=none',
      '--disable-admission-plugins=ServiceAccount',
      '--enable-priority-and-fairness=false',
      '--kubelet-preferred-address-types=InternalIP',
      '--profiling=false',
      ...extraArgs,
    ],
    logFolder,
    env: { GOGC: '50' },
  });
  return { daemon, url: `https://127.0.0.1:${port}` };
}

function randomText(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(12))).toString('hex');
}
