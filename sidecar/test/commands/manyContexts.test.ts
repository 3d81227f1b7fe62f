import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ClustersResponse } from '../../src/api/clusterTypes.ts';
import { type FakeHub, profileObject, startFakeHub } from '../support/fakeHub.ts';
import { answerWith, type RecordingUpstream, startRecordingUpstream } from '../support/recordingUpstream.ts';
import { clusterAt } from '../support/startProxy.ts';
import { startSidecar, type TestContext, type TestSidecar } from '../support/startSidecar.ts';
import { until } from '../support/until.ts';

const apiVersion = 'client.authentication.k8s.io/v1';
const badCount = 490;

let folder = '';
let hub: FakeHub;
/** Takes every request and says nothing. */
let silent: FakeHub;
let upstream: RecordingUpstream;
let sidecar: TestSidecar | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'many-contexts-'));
  hub = await startFakeHub();
  silent = await startFakeHub();
  silent.intercept = () => true;
  upstream = await startRecordingUpstream();
  hub.items = [
    profileObject('a', {}, { status: { accessProviders: [{ name: 'p', cluster: clusterAt(upstream) }] } }),
  ];
});

afterEach(async () => {
  await sidecar?.close();
  sidecar = undefined;
  await upstream.close();
  await silent.close();
  await hub.close();
  await rm(folder, { recursive: true });
});

const countRuns = (): number => readFileSync(join(folder, 'runs'), 'utf8').split('\n').length - 1;

/** The bad ones first: a third hangs in its plugin, a third is silent, a third refuses the connection. */
async function buildContexts(): Promise<Readonly<Record<string, TestContext>>> {
  const command = join(folder, 'hanging');
  await writeFile(join(folder, 'runs'), '');
  await writeFile(command, `#!/bin/sh\necho run >> ${join(folder, 'runs')}\nexec sleep 300\n`);
  await chmod(command, 0o755);
  const closed = await startFakeHub();
  await closed.close();
  const user = { token: 't' };
  const kinds = (index: number): TestContext[] => [
    { server: silent.root.server, user: { exec: { apiVersion, command, args: [String(index)] } } },
    { server: silent.root.server, user },
    { server: closed.root.server, user },
  ];
  const bad = Array.from(
    { length: badCount },
    (_, index) => [`bad-${index}`, kinds(index)[index % 3]] as const,
  );
  const good = Array.from(
    { length: 10 },
    (_, index) => [`good-${index}`, { server: hub.root.server, user }] as const,
  );
  return Object.fromEntries([...bad, ...good]) as Readonly<Record<string, TestContext>>;
}

async function list(): Promise<ClustersResponse> {
  const response = await fetch(`http://127.0.0.1:${sidecar?.port ?? 0}/cluster-inventory/v1/clusters`);
  return (await response.json()) as ClustersResponse;
}

it('[DI-02, DI-04, EX-31] of 500 contexts only those that are named are watched, and no plugin of another is run', async () => {
  const contexts = await buildContexts();
  const names = Object.keys(contexts).filter((name) => name.startsWith('good-'));
  sidecar = await startSidecar(contexts, `--contexts=${names.join(',')}`);
  await until('the ten', async () => (await list()).clusters.length === 10);
  expect((await list()).roots.map(({ name }) => name).sort()).toEqual(names.map((name) => `store/${name}`));
  expect((await sidecar.readyz()).text).not.toContain('bad-');
  expect(silent.requests).toEqual([]);
  expect(countRuns()).toBe(0);
});

it('[DI-02, DI-04, EX-30] where all 500 are watched, those that do not answer hold up neither the ten nor a plugin of theirs', async () => {
  sidecar = await startSidecar(await buildContexts(), '--plugin-concurrency=2');
  await until('the ten', async () => (await list()).clusters.length === 10);
  await until('two that hang', () => countRuns() === 2);
  const [cluster] = (await list()).clusters;
  upstream.answers.push(answerWith('{}'));
  const response = await fetch(`http://127.0.0.1:${sidecar.port}/clusters/${cluster?.name ?? ''}/version`);
  expect(response.status).toBe(200);
  expect(countRuns()).toBe(2);
});
