import { type ChildProcess, spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ClustersResponse } from '../../src/api/clusterTypes.ts';
import { createFixture, type Fixture, pluginFolder } from '../credentials/runFixture.ts';
import { type FakeDashboard, startFakeDashboard } from '../support/fakeDashboard.ts';
import { type FakeHub, profileObject, startFakeHub } from '../support/fakeHub.ts';
import { answerWith, type RecordingUpstream, startRecordingUpstream } from '../support/recordingUpstream.ts';
import { clusterAt } from '../support/startProxy.ts';
import { providersWith } from '../support/startSidecar.ts';
import { until } from '../support/until.ts';

const main = join(import.meta.dirname, '../../src/main.ts');
const observer = join(import.meta.dirname, '../fixtures/observe.mjs');
const size = 5000;
const megabyte = 1024 * 1024;

let hub: FakeHub;
let dashboard: FakeDashboard;
let upstream: RecordingUpstream;
let fixture: Fixture;
/** The sidecar as a process of its own, whose memory is nobody else's. */
let child: ChildProcess;
let url: string;
let log: string;

const observedFile = (): string => join(fixture.folder, 'observed.jsonl');

beforeEach(async () => {
  hub = await startFakeHub();
  dashboard = await startFakeDashboard();
  upstream = await startRecordingUpstream();
  fixture = await createFixture();
});
afterEach(async () => {
  child.kill('SIGKILL');
  await hub.close();
  await dashboard.close();
  await upstream.close();
  await fixture.remove();
});

async function start(): Promise<void> {
  const { folder } = fixture;
  const user = { token: 't' };
  const kubeconfig = {
    clusters: [{ name: 'hub', cluster: { server: hub.root.server } }],
    users: [{ name: 'hub', user }],
    contexts: [{ name: 'hub', context: { cluster: 'hub', user: 'hub' } }],
  };
  const exec = {
    command: process.execPath,
    args: [join(pluginFolder, 'plugin.mjs')],
    env: [{ name: 'PLUGIN_LOG', value: fixture.logFile }],
  };
  await writeFile(join(folder, 'kubeconfig'), JSON.stringify(kubeconfig));
  await writeFile(join(folder, 'providers'), JSON.stringify(providersWith(exec)));
  child = spawn(
    process.execPath,
    [
      '--expose-gc',
      `--import=${observer}`,
      main,
      `--cluster-inventory-provider-file=${join(folder, 'providers')}`,
      `--kubeconfig=${join(folder, 'kubeconfig')}`,
      `--dashboard-url=${dashboard.url.origin}`,
      '--auth=none',
      '--listen=127.0.0.1:0',
      '--admin-listen=127.0.0.1:0',
      '--log-format=json',
    ],
    { env: { PATH: fixture.path, OBSERVED_FILE: observedFile() }, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  log = '';
  child.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const served = (): string | undefined => /"message":"serving","port":(\d+)/.exec(log)?.[1];
  await until('it serves', () => served() !== undefined, 20_000);
  url = `http://127.0.0.1:${served() ?? ''}`;
  await until('a watch', () => hub.watches.length > 0);
}

/** About as large as what an inventory publishes. */
function profile(index: number, resourceVersion: number): object {
  return profileObject(
    `p-${index}`,
    { resourceVersion: String(resourceVersion), uid: `uid-${index}-${resourceVersion}` },
    {
      spec: { displayName: `Cluster ${index}`, clusterManager: { name: 'manager' } },
      status: {
        properties: [{ name: 'location', value: `somewhere-${index}-`.padEnd(500, 'x') }],
        accessProviders: [{ name: 'p', cluster: clusterAt(upstream) }],
      },
    },
  );
}

async function list(): Promise<ClustersResponse['clusters']> {
  const response = await fetch(`${url}/cluster-inventory/v1/clusters`);
  return ((await response.json()) as ClustersResponse).clusters;
}

/** Not asked for all the time: the list itself takes its time. */
const untilListed = (count: number): Promise<void> =>
  until(
    `${count} are listed`,
    async () => (await Promise.all([list(), sleep(250)]))[0].length === count,
    30_000,
  );

/** A request to the first so many. */
async function askSome(count: number): Promise<void> {
  for (const { name } of (await list()).slice(0, count)) {
    upstream.answers.push(answerWith('{}'));
    expect((await fetch(`${url}/clusters/${name}/api/v1/pods`)).status).toBe(200);
  }
}

interface Observed {
  /** Bytes on the heap after garbage collection. */
  readonly heapUsed: number;
  /** Bytes that V8's young generation may have, before it. */
  readonly young: number;
}

async function observe(): Promise<Observed> {
  const lines = async (): Promise<readonly string[]> =>
    (await readFile(observedFile(), 'utf8').catch(() => '')).split('\n').slice(0, -1);
  const before = (await lines()).length;
  child.kill('SIGUSR2');
  await until('the heap is told', async () => (await lines()).length > before);
  return JSON.parse((await lines()).at(-1) ?? '') as Observed;
}

const readHeap = async (): Promise<number> => (await observe()).heapUsed;

it('[DI-40, EX-31] 5,000 profiles are listed, resolved and served, and a plugin runs for whoever is asked alone', async () => {
  hub.items = Array.from({ length: size }, (_, index) => profile(index, 1));
  await start();
  await untilListed(size);
  const clusters = await list();
  expect(new Set(clusters.map(({ access }) => access.state))).toEqual(new Set(['not-checked']));
  expect(new Set(clusters.map(({ name }) => name)).size).toBe(size);
  const config = (await (await fetch(`${url}/config`)).json()) as { readonly clusters: readonly unknown[] };
  expect(config.clusters).toHaveLength(size + 1);
  expect(fixture.records()).toEqual([]);
  await askSome(3);
  expect(fixture.records()).toHaveLength(3);
  expect((await list()).filter(({ access }) => access.state === 'ready')).toHaveLength(3);
}, 60_000);

it('[DI-40] neither a list of 5,000 nor tabs that ask for them make the young generation grow without need', async () => {
  hub.items = Array.from({ length: size }, (_, index) => profile(index, 1));
  await start();
  await until('the list is taken over', () => hub.watches.length > 0);
  expect((await observe()).young).toBeLessThanOrEqual(16 * megabyte);
  await untilListed(size);
  for (let round = 0; round < 12; round++) await Promise.all(Array.from({ length: 4 }, list));
  const { young } = await observe();
  expect(young).toBeLessThanOrEqual(16 * megabyte);
}, 60_000);

it('[FA-13] 5,000 at once and then 5,000 deletes leave nothing of them in memory', async () => {
  await start();
  let resourceVersion = 100;
  const watch = () => {
    const latest = hub.watches.at(-1);
    if (!latest) throw new Error('no watch');
    return latest;
  };
  const sendAll = (type: string): void => {
    resourceVersion++;
    for (let index = 0; index < size; index++) watch().send(type, profile(index, resourceVersion));
  };
  /** @returns the heap while all are there, and once they are gone */
  const comeAndGo = async (): Promise<{ readonly full: number; readonly empty: number }> => {
    sendAll('ADDED');
    await untilListed(size);
    await askSome(3);
    const full = await readHeap();
    sendAll('DELETED');
    await untilListed(0);
    return { full, empty: await readHeap() };
  };
  // The first time compiles what is used, and fills what is kept once.
  const { empty: baseline } = await comeAndGo();
  const rounds = [await comeAndGo(), await comeAndGo()];
  for (const { full, empty } of rounds) {
    // What all of them take is seen by this measure, and so would be what is left of them.
    expect(full - baseline).toBeGreaterThan(10 * megabyte);
    expect(empty - baseline).toBeLessThan(4 * megabyte);
  }
}, 120_000);
