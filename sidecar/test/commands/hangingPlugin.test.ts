import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ClustersResponse } from '../../src/api/clusterTypes.ts';
import { buildClusterName } from '../../src/clusters/clusterName.ts';
import { buildProfileKey } from '../../src/inventory/profileKey.ts';
import { isAlive } from '../credentials/runFixture.ts';
import { type FakeHub, profileObject, startFakeHub } from '../support/fakeHub.ts';
import { answerWith, type RecordingUpstream, startRecordingUpstream } from '../support/recordingUpstream.ts';
import { clusterAt } from '../support/startProxy.ts';
import { startSidecar, type TestSidecar, writePlugin } from '../support/startSidecar.ts';
import { until } from '../support/until.ts';

const apiVersion = 'client.authentication.k8s.io/v1';
const credential = JSON.stringify({ apiVersion, kind: 'ExecCredential', status: { token: 'late' } });

/** Ways not to end; each has a child that ignores SIGTERM and holds what it inherited. */
const hanging = {
  'answers-nothing': '',
  'answers-and-stays': `echo '${credential}'`,
  'ignores-the-signal': "trap '' TERM",
  'closes-its-output': 'exec >&- 2>&-',
} as const;
type Hanging = keyof typeof hanging;
const kinds = Object.keys(hanging) as Hanging[];

let folder = '';
let hub: FakeHub;
let other: FakeHub;
let upstream: RecordingUpstream;
let sidecar: TestSidecar | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hanging-plugin-'));
  hub = await startFakeHub();
  other = await startFakeHub();
  upstream = await startRecordingUpstream();
});

afterEach(async () => {
  await sidecar?.close();
  sidecar = undefined;
  await upstream.close();
  await other.close();
  await hub.close();
  await rm(folder, { recursive: true });
});

/** The processes of a plugin, which write themselves down: two for each run. */
function processesOf(name: string): number[] {
  try {
    return readFileSync(join(folder, `${name}.pids`), 'utf8')
      .split('\n')
      .slice(0, -1)
      .map(Number);
  } catch {
    return [];
  }
}

async function writeHangingPlugin(name: string, how: string): Promise<string> {
  const command = join(folder, name);
  const pids = join(folder, `${name}.pids`);
  const child = `trap "" TERM; echo $$ >> ${pids}; exec sleep 300`;
  await writeFile(command, `#!/bin/sh\necho $$ >> ${pids}\nsh -c '${child}' &\n${how}\nexec sleep 300\n`);
  await chmod(command, 0o755);
  return command;
}

const nameOf = (profile: string): string =>
  buildClusterName(buildProfileKey('store/hub', 'default', profile));

async function ask(path: string): Promise<{ readonly status: number; readonly body: string }> {
  const response = await fetch(`http://127.0.0.1:${sidecar?.port ?? 0}${path}`);
  return { status: response.status, body: await response.text() };
}

async function list(): Promise<ClustersResponse> {
  return JSON.parse((await ask('/cluster-inventory/v1/clusters')).body) as ClustersResponse;
}

it('[S03, EX-21, EX-29, DI-04, TH-30] plugins that hang hold up nothing but their own clusters, and leave nothing', async () => {
  const providers = [
    { name: 'fine', execConfig: { apiVersion, command: await writePlugin(folder, 'fine') } },
  ];
  for (const kind of kinds) {
    const command = await writeHangingPlugin(kind, hanging[kind]);
    providers.push({ name: kind, execConfig: { apiVersion, command } });
  }
  await writeFile(join(folder, 'providers'), JSON.stringify({ providers }));
  hub.items = [...kinds, 'fine'].map((name) =>
    profileObject(name, {}, { status: { accessProviders: [{ name, cluster: clusterAt(upstream) }] } }),
  );
  // The first of the contexts proves itself by a plugin that hangs, too.
  const command = await writeHangingPlugin('of-the-root', '');
  sidecar = await startSidecar(
    {
      silent: { server: other.root.server, user: { exec: { apiVersion, command } } },
      hub: { server: hub.root.server, user: { token: 't' } },
    },
    `--cluster-inventory-provider-file=${join(folder, 'providers')}`,
    '--plugin-timeout=4s',
  );
  await until('the list', async () => (await list()).clusters.length === kinds.length + 1);

  let answered = 0;
  const waiting = kinds.flatMap((kind) =>
    Array.from({ length: 5 }, async () => {
      const answer = await ask(`/clusters/${nameOf(kind)}/version`);
      answered++;
      return { kind, ...answer };
    }),
  );
  await until('all of them hang', () =>
    [...kinds, 'of-the-root'].every((name) => processesOf(name).length === 2),
  );
  upstream.answers.push(answerWith('{}'));
  expect((await ask(`/clusters/${nameOf('fine')}/version`)).status).toBe(200);
  expect((await fetch(`http://127.0.0.1:${sidecar.adminPort}/livez`)).status).toBe(200);
  expect((await list()).clusters).toHaveLength(kinds.length + 1);
  // All that while those who asked for the others still wait.
  expect(answered).toBe(0);

  for (const { kind, status, body } of await Promise.all(waiting)) {
    expect([kind, status]).toEqual([kind, 502]);
    expect(JSON.parse(body)).toMatchObject({
      kind: 'Status',
      message: expect.stringContaining('did not answer within 4 s') as unknown,
    });
  }
  // One run for five who asked, and its whole group is gone.
  for (const name of [...kinds, 'of-the-root']) {
    expect([name, processesOf(name).length]).toEqual([name, 2]);
    await until(`nothing is left of ${name}`, () => !processesOf(name).some(isAlive));
  }
  const { clusters, roots } = await list();
  for (const { profileName, access } of clusters) {
    expect([profileName, access.state, access.code]).toEqual(
      profileName === 'fine'
        ? ['fine', 'ready', undefined]
        : [profileName, 'credential-failed', 'plugin-timeout'],
    );
  }
  await until('the root has failed', async () =>
    (await list()).roots.some(({ state }) => state === 'failing'),
  );
  expect(roots.map(({ name }) => name)).toEqual(['store/silent', 'store/hub']);
  expect((await list()).roots.find(({ name }) => name === 'store/silent')?.reason?.code).toBe(
    'plugin-timeout',
  );
});
