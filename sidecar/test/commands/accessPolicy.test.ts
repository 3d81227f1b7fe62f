import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { buildClusterName } from '../../src/clusters/clusterName.ts';
import { serve, type Sidecar } from '../../src/commands/serve.ts';
import { parseOptions } from '../../src/config/options.ts';
import { readOptionTexts } from '../../src/config/readOptionTexts.ts';
import { systemClock } from '../../src/foundation/clock.ts';
import { silentLog } from '../../src/foundation/log.ts';
import { buildProfileKey } from '../../src/inventory/profileKey.ts';
import { type FakeHub, profileObject, startFakeHub } from '../support/fakeHub.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../support/recordingUpstream.ts';
import { clusterAt } from '../support/startProxy.ts';
import { until } from '../support/until.ts';

let folder = '';
let hub: FakeHub;
let upstream: RecordingUpstream;
let sidecar: Sidecar | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'access-policy-'));
  hub = await startFakeHub();
  upstream = await startRecordingUpstream();
  hub.items = [
    profileObject('a', {}, { status: { accessProviders: [{ name: 'p', cluster: clusterAt(upstream) }] } }),
  ];
  const credential = {
    apiVersion: 'client.authentication.k8s.io/v1',
    kind: 'ExecCredential',
    status: { token: 'of-the-provider' },
  };
  const plugin = join(folder, 'plugin');
  await writeFile(plugin, `#!/bin/sh\necho run >> ${folder}/runs\necho '${JSON.stringify(credential)}'\n`);
  await chmod(plugin, 0o755);
  const execConfig = { apiVersion: credential.apiVersion, command: plugin, provideClusterInfo: true };
  await write('providers', { providers: [{ name: 'p', execConfig }] });
  await write('kubeconfig', {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'hub', cluster: { server: hub.root.server } }],
    users: [{ name: 'me', user: { token: 't' } }],
    contexts: [{ name: 'hub', context: { cluster: 'hub', user: 'me' } }],
  });
});

afterEach(async () => {
  await sidecar?.drain(0);
  sidecar = undefined;
  await upstream.close();
  await hub.close();
  await rm(folder, { recursive: true });
});

const write = (name: string, value: object): Promise<void> =>
  writeFile(join(folder, name), JSON.stringify(value));

const writePolicy = (fields: object): Promise<void> =>
  write('policy', { apiVersion: 'cluster-inventory.headlamp.dev/v1alpha1', kind: 'AccessPolicy', ...fields });

const countRuns = async (): Promise<number> =>
  (await readFile(join(folder, 'runs'), 'utf8').catch(() => '')).split('\n').length - 1;

/** What a request to the cluster is answered, `200` or the code of an error. */
async function ask(): Promise<string> {
  upstream.answers.push('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
  const name = buildClusterName(buildProfileKey('store/hub', 'default', 'a'));
  const response = await fetch(`http://127.0.0.1:${sidecar?.port ?? 0}/clusters/${name}/api/v1/pods`);
  await response.arrayBuffer();
  if (response.status !== 200) upstream.answers.pop();
  return response.headers.get('x-cluster-inventory-error') ?? String(response.status);
}

async function start(...more: string[]): Promise<string[]> {
  const errors: string[] = [];
  const line = readOptionTexts(
    [
      `--cluster-inventory-provider-file=${join(folder, 'providers')}`,
      `--kubeconfig=${join(folder, 'kubeconfig')}`,
      `--access-policy=${join(folder, 'policy')}`,
      '--auth=none',
      '--listen=127.0.0.1:0',
      '--admin-listen=127.0.0.1:0',
      ...more,
    ],
    {},
  );
  if (line.kind !== 'options') throw new Error('no options');
  sidecar = await serve(parseOptions(line.texts, 'none'), {
    environment: {},
    clock: systemClock,
    random: Math.random,
    log: { ...silentLog, error: (message) => errors.push(message) },
    auditStream: new PassThrough().resume(),
  });
  await until('the profile is known', async () => (await ask()) !== 'cluster-unknown');
  return errors;
}

it('[AC-26, TH-20, TH-49] a profile that points elsewhere: its plugin is not run and nothing is dialled', async () => {
  await writePolicy({ defaults: { allowedServers: ['127.0.0.1:1', '*.example.com:*'] } });
  await start();
  expect(await ask()).toBe('server-not-allowed');
  expect([await countRuns(), upstream.connections.length]).toEqual([0, 0]);
});

it('[AC-26] where several namespaces are watched, nothing is sent to a server that is not named', async () => {
  await writePolicy({});
  await start('--cluster-inventory-namespaces=default,other');
  expect(await ask()).toBe('policy-refused');
  expect([await countRuns(), upstream.connections.length]).toEqual([0, 0]);
});

it('a changed policy takes effect while the sidecar runs, and a bad change takes none', async () => {
  await writePolicy({ defaults: { allowedServers: [] } });
  const errors = await start();
  expect(await ask()).toBe('server-not-allowed');
  await writePolicy({ defaults: { allowedServers: ['127.0.0.0/8:*'] } });
  await until('the server is allowed', async () => (await ask()) === '200');
  expect(upstream.heads.at(-1)).toContain('of-the-provider');
  await writePolicy({ defaults: { allowedServer: [] } });
  await until('the fault is logged', () => errors.length === 1);
  expect(errors[0]).toContain('the last good one stays');
  expect(await ask()).toBe('200');
  await writePolicy({ defaults: { allowedServers: [] } });
  await until('the server is withdrawn', async () => (await ask()) === 'server-not-allowed');
});

it('[ID-20] under passthrough no plugin is run, and the provider’s credential is not sent', async () => {
  await writePolicy({ defaults: { mode: 'passthrough', allowedServers: ['127.0.0.0/8:*'] } });
  await start();
  await ask();
  expect(await countRuns()).toBe(0);
  expect(upstream.heads.join()).not.toContain('of-the-provider');
});
