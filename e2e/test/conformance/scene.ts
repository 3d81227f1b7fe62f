import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { ClustersResponse } from '../../../sidecar/src/api/clusterTypes.ts';
import { demoAccounts, prepareUsers } from '../../demo/demoUsers.ts';
import { startBareDashboard } from '../../parts/bareDashboard.ts';
import { createCertificateAuthority } from '../../parts/certificates.ts';
import { type Fleet, startFleet } from '../../parts/fleet.ts';
import { findFreePort } from '../../parts/freePort.ts';
import { createKubeClient } from '../../parts/kubeClient.ts';
import { startSidecar } from '../../parts/sidecar.ts';
import { providerUser, type Spoke } from '../../parts/spoke.ts';
import { createTemporaryFolder } from '../../parts/temporaryFolder.ts';
import { until } from '../../parts/until.ts';
import type { HeaderLine, Server } from './rawHttp.ts';

export type UserName = 'ana' | 'ben';

/** One of the two ways to the same API server. */
export interface Way {
  readonly name: 'straight' | 'through';
  readonly server: Server;
  /** In front of each path. */
  readonly prefix: string;
  /** What says who it is. */
  identify(user: UserName): readonly HeaderLine[];
  readonly kubeconfigFile: string;
}

export interface Scene {
  readonly spoke: Spoke;
  readonly straight: Way;
  readonly through: Way;
  readonly kubectl: string;
  readonly folder: string;
  stop(): Promise<void>;
}

/**
 * A spoke, and a sidecar in front of it as it stands in front of one in a pod: over TLS, with users of the hub, who are
 * impersonated. Straight, too, it is the provider's credential that acts as the user, so that the API server is asked
 * the same both ways.
 */
export async function startScene(): Promise<Scene> {
  const started: { stop(): Promise<void> }[] = [];
  const stop = async (): Promise<void> => {
    for (const part of started.splice(0).reverse()) await part.stop();
  };
  const temporary = createTemporaryFolder('conformance-');
  started.push({
    stop: () => {
      temporary.remove();
      return Promise.resolve();
    },
  });
  const folder = temporary.path;
  try {
    const fleetFolder = join(folder, 'fleet');
    mkdirSync(fleetFolder);
    const fleet = await startFleet({
      folder: fleetFolder,
      spokes: 1,
      users: demoAccounts,
      impersonation: true,
    });
    started.push(fleet);
    const [spoke] = fleet.spokes;
    if (!spoke) throw new Error('no spoke');
    await fleet.publish(spoke, { access: 'token', name: 'payments-prod-eu-1' });
    const { sidecarKubeconfigFile } = await prepareUsers(fleet);
    const dashboard = await startBareDashboard();
    started.push({ stop: () => dashboard.close() });
    const port = await findFreePort();
    const { ca, args } = await writeServingPair(folder);
    const sidecar = await startSidecar({
      providerFile: fleet.providerFile,
      kubeconfigFile: sidecarKubeconfigFile,
      dashboardUrl: dashboard.url,
      logFolder: fleet.logFolder,
      port,
      extraArgs: ['--auth=hub', ...args],
    });
    started.push(sidecar);
    const tokenOf = (user: UserName): string => fleet.tokens[user] ?? '';
    const straight: Way = {
      name: 'straight',
      server: { port: Number(new URL(spoke.url).port), ca: spoke.ca },
      prefix: '',
      identify: (user) => [
        ['Authorization', `Bearer ${spoke.tokens[providerUser] ?? ''}`],
        ['Impersonate-User', user],
      ],
      kubeconfigFile: join(folder, 'straight.kubeconfig'),
    };
    const through: Way = {
      name: 'through',
      server: { port, ca },
      prefix: `/clusters/${await findName(fleet, port, ca)}`,
      identify: (user) => [['Authorization', `Bearer ${tokenOf(user)}`]],
      kubeconfigFile: join(folder, 'through.kubeconfig'),
    };
    writeKubeconfig(straight, { token: spoke.tokens[providerUser] ?? '', as: 'ana' });
    writeKubeconfig(through, { token: tokenOf('ana') });
    return { spoke, straight, through, kubectl: fleet.binaries.programs.kubectl.path, folder, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function writeServingPair(folder: string): Promise<{ ca: string; args: readonly string[] }> {
  const authority = await createCertificateAuthority('sidecar CA');
  const pair = await authority.issueServer({ dns: ['localhost'], ips: ['127.0.0.1'] });
  const certificateFile = join(folder, 'tls.crt');
  const keyFile = join(folder, 'tls.key');
  writeFileSync(certificateFile, pair.certificate);
  writeFileSync(keyFile, pair.key, { mode: 0o600 });
  return {
    ca: authority.certificate,
    args: [`--tls-cert-path=${certificateFile}`, `--tls-key-path=${keyFile}`],
  };
}

async function findName({ tokens }: Fleet, port: number, ca: string): Promise<string> {
  const client = createKubeClient({ url: `https://127.0.0.1:${port}`, ca, token: tokens['ana'] ?? '' });
  let name: string | undefined;
  await until(
    async () => {
      const { clusters } = await client.get<ClustersResponse>('/cluster-inventory/v1/clusters');
      name = clusters[0]?.name;
      return name !== undefined;
    },
    { timeoutMs: 30_000, message: 'the sidecar lists the cluster' },
  );
  await client.close();
  return name ?? '';
}

function writeKubeconfig({ kubeconfigFile, server: { port, ca }, prefix }: Way, user: object): void {
  const cluster = {
    server: `https://127.0.0.1:${port}${prefix}`,
    'certificate-authority-data': Buffer.from(ca).toString('base64'),
  };
  const text = stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster }],
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u', namespace: 'default' } }],
    users: [{ name: 'u', user }],
    'current-context': 'c',
  });
  writeFileSync(kubeconfigFile, text, { mode: 0o600 });
}
