import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { startFleet, type Fleet } from '../parts/fleet.ts';
import { createKubeClient } from '../parts/kubeClient.ts';
import type { AccessProvider } from '../parts/hub.ts';
import { execExtension } from '../parts/access.ts';
import { until } from '../parts/until.ts';

const run = promisify(execFile);
let fleet: Fleet;

beforeAll(async () => {
  fleet = await startFleet({ spokes: 2 });
  return () => fleet.stop();
}, 300_000);

/** Runs a reference plugin as the provider file says, for what a profile publishes. */
async function runPlugin({ name, cluster }: AccessProvider): Promise<Record<string, string>> {
  interface Provider {
    readonly name: string;
    readonly execConfig: {
      readonly command: string;
      readonly env: readonly { readonly name: string; readonly value: string }[];
    };
  }
  const { providers } = JSON.parse(readFileSync(fleet.providerFile, 'utf8')) as {
    readonly providers: readonly Provider[];
  };
  const provider = providers.find((each) => each.name === name);
  if (!provider) throw new Error(`no provider ${name}`);
  const config = cluster.extensions?.find((each) => each.name === execExtension)?.extension;
  const info = {
    apiVersion: 'client.authentication.k8s.io/v1',
    kind: 'ExecCredential',
    spec: { interactive: false, cluster: { server: cluster.server, config } },
  };
  const { stdout } = await run(provider.execConfig.command, [], {
    env: {
      ...Object.fromEntries(provider.execConfig.env.map(({ name: key, value }) => [key, value])),
      KUBERNETES_EXEC_INFO: JSON.stringify(info),
    },
  });
  return (JSON.parse(stdout) as { readonly status: Record<string, string> }).status;
}

async function publishedBy(name: string): Promise<AccessProvider> {
  const profile = await fleet.hub.client.get<{
    readonly status: { readonly accessProviders: readonly AccessProvider[] };
  }>(fleet.hub.profilePath(name));
  const [provider] = profile.status.accessProviders;
  if (!provider) throw new Error(`nothing published for ${name}`);
  return provider;
}

function spokeAt(index: number): Fleet['spokes'][number] {
  const spoke = fleet.spokes[index];
  if (!spoke) throw new Error(`no spoke ${index}`);
  return spoke;
}

async function kubectl(...args: string[]): Promise<string> {
  const { stdout } = await run(fleet.binaries.programs.kubectl.path, [
    `--kubeconfig=${fleet.folder}/spoke-1.kubeconfig`,
    ...args,
  ]);
  return stdout;
}

describe('a fleet', () => {
  it('publishes a spoke whose token secretreader answers', async () => {
    const spoke = spokeAt(0);
    await fleet.publish(spoke, { access: 'token', displayName: 'Shop' });
    const { token = '' } = await runPlugin(await publishedBy('spoke-1'));
    const client = createKubeClient({ url: spoke.url, ca: spoke.ca, token });
    const pods = await client.list('/api/v1/pods');
    expect(pods.map(({ metadata }) => metadata.name).sort()).toEqual(['cart', 'frontend', 'hello']);
    await client.close();
  });

  it('publishes a spoke whose client certificate kubeconfig-secretreader answers', async () => {
    const spoke = spokeAt(1);
    await fleet.publish(spoke, { access: 'certificate' });
    const status = await runPlugin(await publishedBy('spoke-2'));
    const clientCertificate = {
      certificate: status['clientCertificateData'] ?? '',
      key: status['clientKeyData'] ?? '',
    };
    const client = createKubeClient({ url: spoke.url, ca: spoke.ca, clientCertificate });
    expect(await client.list('/api/v1/nodes')).toHaveLength(1);
    await client.close();
  });

  it('publishes a spoke whose plugin fails', async () => {
    await fleet.publish(spokeAt(1), { access: 'failing', name: 'broken' });
    await expect(runPlugin(await publishedBy('broken'))).rejects.toMatchObject({ code: 1, stdout: '' });
  });

  it('refuses who has no right', async () => {
    const anonymous = createKubeClient({ url: spokeAt(0).url, ca: spokeAt(0).ca });
    expect((await anonymous.raw('GET', '/api/v1/pods')).status).toBe(403);
    await anonymous.close();
  });

  it('has Pods whose logs grow', async () => {
    const read = async (): Promise<number> => (await kubectl('logs', 'hello')).trim().split('\n').length;
    const before = await read();
    expect(before).toBeGreaterThanOrEqual(20);
    await until(async () => (await read()) > before, { timeoutMs: 20_000, message: 'another line' });
  });

  it('has Pods where a command runs, never as root and in an empty folder', async () => {
    const answer = await kubectl(
      'exec',
      '-n',
      'shop',
      'cart',
      '--',
      'sh',
      '-c',
      'echo uid=$(id -u) files=$(ls | wc -l)',
    );
    expect(answer.trim()).toMatch(/^uid=[1-9]\d* files=0$/);
  });
});
