import { rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildClusterName } from '../../src/clusters/clusterName.ts';
import { type Log, silentLog } from '../../src/foundation/log.ts';
import { buildProfileKey } from '../../src/inventory/profileKey.ts';
import { createFixture, type Fixture, isAlive, pluginFolder } from '../credentials/runFixture.ts';
import { type FakeHub, profileObject, startFakeHub } from '../support/fakeHub.ts';
import { openRawClient } from '../support/rawClient.ts';
import { answerWith, type RecordingUpstream, startRecordingUpstream } from '../support/recordingUpstream.ts';
import { createSelfSignedPair } from '../support/selfSignedPair.ts';
import { clusterAt } from '../support/startProxy.ts';
import { providersWith, startSidecarWith, type TestSidecar } from '../support/startSidecar.ts';
import { until } from '../support/until.ts';

let hub: FakeHub;
let upstream: RecordingUpstream;
let fixture: Fixture;
let sidecar: TestSidecar;
let errors: string[];

beforeEach(async () => {
  hub = await startFakeHub();
  fixture = await createFixture();
  errors = [];
  upstream = await startRecordingUpstream({ tls: { requestCert: true, rejectUnauthorized: false } });
});
afterEach(async () => {
  await sidecar.close();
  await hub.close();
  await upstream.close();
  await fixture.remove();
});

/** How the fixture plugin is run with these variables. */
function execOf(variables: Readonly<Record<string, string>>): object {
  const env = { PLUGIN_LOG: fixture.logFile, PLUGIN_CONTROL: fixture.folder, ...variables };
  return {
    command: process.execPath,
    args: [join(pluginFolder, 'plugin.mjs')],
    env: Object.entries(env).map(([name, value]) => ({ name, value })),
  };
}

/** A sidecar with one cluster, `a`, which is the upstream. */
async function start(variables: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<void> {
  hub.items = [
    profileObject('a', {}, { status: { accessProviders: [{ name: 'p', cluster: clusterAt(upstream) }] } }),
  ];
  const log: Log = { ...silentLog, error: (message) => errors.push(message) };
  sidecar = await startSidecarWith({
    contexts: { hub: { server: hub.root.server, user: { token: 't' } } },
    exec: execOf(variables),
    log,
    args: [`--audit-log=${join(fixture.folder, 'audit')}`, ...args],
  });
  await until('a is listed', async () =>
    (await (await fetch(`${base()}/cluster-inventory/v1/clusters`)).text()).includes('"a"'),
  );
}

/** What the plugin does from its next run on, without a change in what it is given. */
function controlPlugin(variables: Readonly<Record<string, string>>): Promise<void> {
  return writeFile(join(fixture.folder, 'plugin.json'), JSON.stringify(variables));
}

const base = (): string => `http://127.0.0.1:${sidecar.port}`;
const path = `/clusters/${buildClusterName(buildProfileKey('store/hub', 'default', 'a'))}/api/v1/pods`;
const ask = (): Promise<Response> => fetch(base() + path);
async function askOk(): Promise<void> {
  upstream.answers.push(answerWith('{}'));
  expect((await ask()).status).toBe(200);
}
const tokens = (): readonly string[] =>
  upstream.heads.map((head) => /^authorization: Bearer (.*)$/im.exec(head)?.[1] ?? '');
const shownCertificate = (socket: TLSSocket | undefined): string =>
  socket?.getPeerCertificate().fingerprint256.replaceAll(':', '').toLowerCase() ?? '';

/** A watch on the cluster that has begun. */
async function openStream(): ReturnType<typeof openRawClient> {
  const client = await openRawClient(sidecar.port);
  upstream.answers.push('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n');
  client.send(`GET ${path}?watch=true HTTP/1.1\r\nHost: 127.0.0.1:${sidecar.port}\r\n\r\n`);
  await client.waitFor('first');
  return client;
}

describe('a credential', () => {
  it('[FA-24, EX-23] that expires during a stream: the stream lives, and the next request has a new one', async () => {
    await start({ PLUGIN_TOKEN_PER_RUN: 'yes', PLUGIN_LIFE_MS: '2500' });
    const client = await openStream();
    const stream = await upstream.connection(0);
    const [first] = tokens();
    const expiresAt = Date.now() + 2500;
    await until('another credential, behind the expiry of the first', async () => {
      await askOk();
      return Date.now() > expiresAt && tokens().at(-1) !== first;
    });
    expect(stream.socket.destroyed).toBe(false);
    stream.send('5\r\nlater\r\n');
    await client.waitFor('later');
    expect(client.outcome).toBeUndefined();
    client.socket.destroy();
  });

  it('[FA-25, EX-26] whose certificate is rotated: the old one’s connections end, and none shows it again', async () => {
    const [old, next] = [createSelfSignedPair('old'), createSelfSignedPair('next')];
    const answerPair = ({ certificate, key }: typeof old): Promise<void> =>
      controlPlugin({
        PLUGIN_STATUS: JSON.stringify({ clientCertificateData: certificate, clientKeyData: key }),
      });
    await start({});
    await answerPair(old);
    const client = await openStream();
    await askOk();
    expect(upstream.connections.map(({ socket }) => shownCertificate(socket))).toEqual([
      old.digest,
      old.digest,
    ]);
    await answerPair(next);
    // The cluster says so: nothing else tells of a rotation where there is no expiry.
    upstream.answers.push(answerWith('{}', '401 Unauthorized'), answerWith('{"again":true}'));
    expect(await (await ask()).json()).toEqual({ again: true });
    await client.waitForEnd();
    for (const index of [0, 1]) await (await upstream.connection(index)).waitForClose();
    await askOk();
    const shown = upstream.connections.slice(2).map(({ socket }) => shownCertificate(socket));
    expect(new Set(shown)).toEqual(new Set([next.digest]));
    expect(fixture.records()).toHaveLength(2);
  });
});

describe('the provider file', () => {
  it('[FA-26, AC-02, AC-03] broken, emptied, useless, deleted, swapped: the last good one serves', async () => {
    await start({});
    await askOk();
    const file = join(sidecar.folder, 'providers');
    const swapTo = async (name: string, text: string): Promise<void> => {
      await writeFile(join(sidecar.folder, name), text);
      await symlink(name, join(sidecar.folder, 'link'));
      await rename(join(sidecar.folder, 'link'), file);
    };
    const faults = [
      () => writeFile(file, '{"providers": ['),
      () => writeFile(file, ''),
      () => writeFile(file, '{"providers": [{"name": "p"}]}'),
      () => rm(file),
      () => swapTo('bad', 'neither: [JSON, nor YAML'),
    ];
    for (const [index, act] of faults.entries()) {
      await act();
      await until('it is noticed', () => errors.length === index + 1);
      await askOk();
      expect(tokens().at(-1)).toBe('a-token');
    }
    expect(new Set(errors)).toEqual(new Set(['the provider file is not usable, the last good one stays']));
    expect(fixture.records()).toHaveLength(1);
    await swapTo('good', JSON.stringify(providersWith(execOf({ PLUGIN_STATUS: '{"token":"another"}' }))));
    await until('the good one is in force', async () => {
      upstream.answers.push(answerWith('{}'));
      // What is under way when the file changes is a 502.
      await ask();
      return tokens().at(-1) === 'another';
    });
    expect(errors).toHaveLength(faults.length);
  });
});

describe('a plugin, seen from its cluster', () => {
  it.each([
    ['EX-10', 'fails', { PLUGIN_EXIT: '1' }, 'plugin-exited'],
    ['EX-10', 'is killed', { PLUGIN_KILL: 'SIGKILL' }, 'plugin-killed'],
    ['EX-12', 'prints HTML', { PLUGIN_STDOUT: '<html></html>' }, 'plugin-output-invalid'],
    ['EX-12', 'prints nothing', { PLUGIN_STDOUT: '' }, 'plugin-output-invalid'],
    ['EX-13', 'answers nothing', { PLUGIN_STATUS: '{}' }, 'plugin-credential-incomplete'],
    [
      'EX-13',
      'answers half a pair',
      { PLUGIN_STATUS: '{"clientKeyData":"x"}' },
      'plugin-credential-incomplete',
    ],
    ['EX-14', 'answers two lines', { PLUGIN_STATUS: '{"token":"a\\nb"}' }, 'plugin-token-invalid'],
    ['EX-15', 'floods', { PLUGIN_FLOOD: '1' }, 'plugin-output-too-large'],
    [
      'EX-17',
      'answers no time',
      { PLUGIN_STATUS: '{"token":"t","expirationTimestamp":"soon"}' },
      'plugin-expiry-invalid',
    ],
    [
      'EX-29',
      'hangs',
      { PLUGIN_HANG: 'yes', PLUGIN_IGNORE_TERM: 'yes', PLUGIN_GRANDCHILD: 'yes' },
      'plugin-timeout',
    ],
    ['EX-29', 'closes its output and stays', { PLUGIN_CLOSE: 'yes' }, 'plugin-timeout'],
    ['EX-29', 'stops in the middle of its answer', { PLUGIN_HALF: 'yes' }, 'plugin-timeout'],
    ['EX-29', 'stays after its answer', { PLUGIN_LINGER: 'yes' }, 'plugin-timeout'],
  ])(
    '[%s, PX-40] %s: a 502 that says so, nothing is left, and the cluster was not asked',
    async (_rule, _what, env, code) => {
      // A busy machine is not to turn another fault into this one.
      await start(env, `--plugin-timeout=${code === 'plugin-timeout' ? '2s' : '20s'}`);
      const response = await ask();
      expect([response.status, response.headers.get('x-cluster-inventory-error')]).toEqual([502, code]);
      expect(await response.json()).toMatchObject({ kind: 'Status', code: 502 });
      const processes = fixture.records().flatMap(({ pid, grandchild = pid }) => [pid, grandchild]);
      expect(processes.length).toBeGreaterThan(0);
      await until('nothing is left of it', () => !processes.some(isAlive));
      expect(upstream.heads).toEqual([]);
    },
  );

  it('[FA-21] is late: who waits is served by one run, and who leaves does not end it', async () => {
    await start({ PLUGIN_DELAY_MS: '1000' });
    const leaving = new AbortController();
    const first = fetch(base() + path, { signal: leaving.signal });
    await until('the run', () => fixture.records().length === 1);
    upstream.answers.push(...Array.from({ length: 20 }, () => answerWith('{}')));
    const others = Array.from({ length: 20 }, ask);
    leaving.abort();
    await expect(first).rejects.toThrow();
    for (const { status } of await Promise.all(others)) expect(status).toBe(200);
    expect(fixture.records()).toHaveLength(1);
  });
});
