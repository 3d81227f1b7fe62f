import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ClustersResponse } from '../../src/api/clusterTypes.ts';
import { buildClusterName } from '../../src/clusters/clusterName.ts';
import { asRecord } from '../../src/foundation/unknownValue.ts';
import { buildProfileKey } from '../../src/inventory/profileKey.ts';
import { readRequestBody } from '../../src/proxy/readRequestBody.ts';
import { type FakeHub, profileObject, sendJson, startFakeHub } from '../support/fakeHub.ts';
import { createManualClock, type ManualClock } from '../support/manualClock.ts';
import { type MountedToken, mountToken } from '../support/mountedToken.ts';
import { answerWith, type RecordingUpstream, startRecordingUpstream } from '../support/recordingUpstream.ts';
import { clusterAt } from '../support/startProxy.ts';
import { startSidecarWith, type TestSidecar } from '../support/startSidecar.ts';
import { until } from '../support/until.ts';

const apiVersion = 'client.authentication.k8s.io/v1';

let folder = '';
let clock: ManualClock;
let hub: FakeHub;
let upstream: RecordingUpstream;
let mounted: MountedToken;
let sidecar: TestSidecar | undefined;
/** The only token that the hub takes from the sidecar. */
let accepted = '';
/** What the hub was asked as the sidecar: `<status> <last of the path> <token>`. */
let asked: string[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rotated-token-'));
  clock = createManualClock();
  accepted = 'first';
  asked = [];
  mounted = await mountToken('first');
  upstream = await startRecordingUpstream();
  hub = await startFakeHub();
  hub.items = [profile('a')];
  hub.intercept = (request, response, url) => {
    const token = request.headers.authorization?.replace('Bearer ', '') ?? '';
    const what = url.searchParams.has('watch') ? 'watch' : (url.pathname.split('/').at(-1) ?? '');
    const isAccepted = token === accepted;
    asked.push(`${isAccepted ? 200 : 401} ${what} ${token}`);
    if (!isAccepted) {
      request.resume();
      sendJson(response, 401, { kind: 'Status', code: 401 });
      return true;
    }
    if (request.method !== 'POST') return false;
    void readRequestBody(request, 1_000_000).then((body) => {
      const { token: reviewed } = asRecord(asRecord(JSON.parse(body.toString()))['spec']);
      const status =
        what === 'tokenreviews'
          ? { authenticated: true, user: { username: `holder of ${String(reviewed)}` } }
          : { allowed: true };
      sendJson(response, 201, { status });
    });
    return true;
  };
});

afterEach(async () => {
  await sidecar?.close();
  sidecar = undefined;
  await upstream.close();
  await hub.close();
  await mounted.remove();
  await rm(folder, { recursive: true });
});

const profile = (name: string): object =>
  profileObject(name, {}, { status: { accessProviders: [{ name: 'p', cluster: clusterAt(upstream) }] } });

/** A plugin that answers what is in the token file, as those do that read the hub's Secrets. */
async function writeReadingPlugin(): Promise<string> {
  const command = join(folder, 'plugin');
  const credential = `{"apiVersion":"${apiVersion}","kind":"ExecCredential","status":{"token":"'$(cat ${mounted.path})'"}}`;
  await writeFile(command, `#!/bin/sh\necho run >> ${folder}/runs\necho '${credential}'\n`);
  await chmod(command, 0o755);
  return command;
}

async function start(user: object): Promise<void> {
  const execConfig = { apiVersion, command: await writeReadingPlugin() };
  await writeFile(join(folder, 'providers'), JSON.stringify({ providers: [{ name: 'p', execConfig }] }));
  const policy = { apiVersion: 'cluster-inventory.headlamp.dev/v1alpha1', kind: 'AccessPolicy' };
  await writeFile(
    join(folder, 'policy'),
    JSON.stringify({ ...policy, defaults: { mode: 'shared', allowedServers: ['*'] } }),
  );
  sidecar = await startSidecarWith({
    clock,
    contexts: { hub: { server: hub.root.server, user } },
    args: [
      '--auth=hub',
      `--cluster-inventory-provider-file=${join(folder, 'providers')}`,
      `--access-policy=${join(folder, 'policy')}`,
    ],
  });
  await until('a watch', () => hub.watches.length === 1);
}

async function ask(path: string, user: string): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(`http://127.0.0.1:${sidecar?.port ?? 0}${path}`, {
    headers: { authorization: `Bearer ${user}` },
  });
  return { status: response.status, text: await response.text() };
}

async function listAs(user: string): Promise<readonly string[]> {
  const { text } = await ask('/cluster-inventory/v1/clusters', user);
  return (JSON.parse(text) as ClustersResponse).clusters.map(({ profileName }) => profileName);
}

async function requestAs(user: string): Promise<number> {
  const name = buildClusterName(buildProfileKey('store/hub', 'default', 'a'));
  return (await ask(`/clusters/${name}/api/v1/pods`, user)).status;
}

const refused = (): string[] => asked.filter((each) => each.startsWith('401'));

/** The hub and the cluster take the next token from here on, and no other. */
async function rotate(): Promise<void> {
  await mounted.swap('second');
  accepted = 'second';
  asked = [];
}

it.each([
  ['the token file of its ServiceAccount', () => Promise.resolve({ tokenFile: mounted.path })],
  ['a plugin that reads it', async () => ({ exec: { apiVersion, command: await writeReadingPlugin() } })],
])(
  '[S11, DI-15] a hub that refuses the old token: %s is read again, at most once for each refusal',
  async (_what, userOf) => {
    await start(await userOf());
    upstream.answers.push(answerWith('{}'));
    expect(await requestAs('ana')).toBe(200);
    expect(upstream.heads.at(-1)).toContain('Authorization: Bearer first');
    expect(refused()).toEqual([]);

    await rotate();
    // A TokenReview of somebody new, and what they may by a SubjectAccessReview.
    expect(await listAs('ben')).toEqual(['a']);
    expect(asked.filter((each) => !each.includes('watch')).slice(0, 2)).toEqual([
      '401 tokenreviews first',
      '200 tokenreviews second',
    ]);
    expect(asked).toContain('200 subjectaccessreviews second');
    expect(refused()).toEqual(['401 tokenreviews first']);

    // The watch, of which the hub knows nothing more.
    hub.items = [profile('a'), profile('b')];
    hub.resourceVersion = '200';
    hub.watches[0]?.send('ERROR', { kind: 'Status', code: 410, message: 'too old' });
    hub.watches[0]?.end();
    await until('watched anew', () => {
      clock.advance(100);
      return hub.watches.length === 2;
    });
    expect(await listAs('ben')).toEqual(['a', 'b']);
    // Each of the two that ask the hub may have found out for itself.
    expect(refused().length).toBeLessThanOrEqual(2);
    expect(asked.filter((each) => each.startsWith('200')).every((each) => each.endsWith('second'))).toBe(
      true,
    );

    // The plugin of the cluster, that reads the same file.
    upstream.answers.push(answerWith('{}', '401 Unauthorized'), answerWith('{}'));
    expect(await requestAs('ben')).toBe(200);
    expect(upstream.heads.map((head) => /Bearer (\w+)/.exec(head)?.[1])).toEqual([
      'first',
      'first',
      'second',
    ]);
  },
);

it('[S11, DI-15] a hub that refuses the next token as well is asked twice and no more', async () => {
  await start({ tokenFile: mounted.path });
  accepted = 'none of these';
  asked = [];
  expect((await ask('/cluster-inventory/v1/clusters', 'ana')).status).toBe(502);
  expect(asked).toEqual(['401 tokenreviews first', '401 tokenreviews first']);
});

it('[S11, DI-15] a token file that was swapped is read before the hub has to refuse anything', async () => {
  await start({ tokenFile: mounted.path });
  expect(await listAs('ana')).toEqual(['a']);
  await rotate();
  clock.advance(10_000);
  expect(await listAs('ben')).toEqual(['a']);
  expect(asked).toContain('200 tokenreviews second');
  expect(refused()).toEqual([]);
});

it('[S11, DI-15] no half of a token is ever sent, however often it is swapped, and an empty file leaves the last one', async () => {
  const tokens = Array.from({ length: 40 }, (_, index) => `${index}-`.padEnd(4000, 'x'));
  await start({ tokenFile: mounted.path });
  // Nothing is accepted, so that each question has the file read again.
  accepted = 'none of these';
  asked = [];
  const swaps = (async () => {
    for (const token of tokens) await mounted.swap(token);
    return 'done' as const;
  })();
  for (
    let user = 0;
    user < 5 || (await Promise.race([swaps, Promise.resolve('going on')])) !== 'done';
    user++
  )
    await ask('/cluster-inventory/v1/clusters', `user-${user}`);
  const sent = new Set(asked.map((each) => each.split(' ')[2]));
  expect([...sent].filter((token) => token !== 'first' && !tokens.includes(token ?? ''))).toEqual([]);
  expect(sent.size).toBeGreaterThan(2);

  accepted = tokens.at(-1) ?? '';
  expect(await listAs('ana')).toEqual(['a']);
  await mounted.swap('');
  clock.advance(10_000);
  expect(await listAs('ben')).toEqual(['a']);
});
