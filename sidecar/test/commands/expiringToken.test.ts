import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { buildClusterName } from '../../src/clusters/clusterName.ts';
import { buildProfileKey } from '../../src/inventory/profileKey.ts';
import { type FakeHub, profileObject, startFakeHub } from '../support/fakeHub.ts';
import { createManualClock, type ManualClock } from '../support/manualClock.ts';
import { openRawClient, parseAnswer } from '../support/rawClient.ts';
import { createSelfSignedPair } from '../support/selfSignedPair.ts';
import { clusterAt } from '../support/startProxy.ts';
import { startSidecarWith, type TestSidecar } from '../support/startSidecar.ts';
import { until } from '../support/until.ts';

const apiVersion = 'client.authentication.k8s.io/v1';
const lifetimeMs = 5000;
const path = `/clusters/${buildClusterName(buildProfileKey('store/hub', 'default', 'a'))}/api/v1/pods`;

let folder = '';
let clock: ManualClock;
let hub: FakeHub;
let sidecar: TestSidecar;
/** The cluster: takes the plugin's latest token until it expires, and no other. */
let server: Server;
/** What the cluster answered each request and upgrade, as `<status> <token>`, with `expired` behind it. */
let answered: string[] = [];
let watches: ServerResponse[] = [];

const countRuns = (): number => Number(readFileSync(join(folder, 'runs'), 'utf8'));
/** Whole at any time, as the plugin reads it when it likes. */
const writeWhole = (name: string, text: string): void => {
  writeFileSync(join(folder, `${name}.new`), text);
  renameSync(join(folder, `${name}.new`), join(folder, name));
};
/** Up to when the plugin's next answer holds. */
const writeExpiry = (): void => {
  writeWhole('expiry', new Date(clock.now() + lifetimeMs).toISOString());
};
/** Up to when the plugin's answer of this run holds, as the plugin said. */
const expiryOf = (run: number): number => Date.parse(readFileSync(join(folder, `expiry.${run}`), 'utf8'));

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'expiring-token-'));
  clock = createManualClock();
  answered = [];
  watches = [];
  writeFileSync(join(folder, 'runs'), '0');
  writeExpiry();
  const command = join(folder, 'plugin');
  await writeFile(
    command,
    [
      '#!/bin/sh',
      `cd ${folder}`,
      'run=$(($(cat runs) + 1))',
      'expiry=$(cat expiry); echo $expiry > expiry.$run',
      // What was answered before is no good from here on.
      'echo $run > runs.next && mv runs.next runs',
      `echo '{"apiVersion":"${apiVersion}","kind":"ExecCredential","status":{"token":"token-'$run'","expirationTimestamp":"'$expiry'"}}'`,
    ].join('\n'),
  );
  await chmod(command, 0o755);
  const execConfig = { apiVersion, command };
  await writeFile(join(folder, 'providers'), JSON.stringify({ providers: [{ name: 'p', execConfig }] }));

  const pair = createSelfSignedPair('kube-apiserver', { addresses: ['127.0.0.1'] });
  const judge = (authorization: string | undefined): 200 | 401 => {
    const run = countRuns();
    const isLatest = authorization === `Bearer token-${run}`;
    const isExpired = isLatest && clock.now() >= expiryOf(run);
    const status = isLatest && !isExpired ? 200 : 401;
    answered.push(`${status} ${authorization ?? ''}${isExpired ? ' expired' : ''}`);
    return status;
  };
  server = createServer({ cert: pair.certificate, key: pair.key }, (request, response) => {
    response.writeHead(judge(request.headers.authorization), { 'content-type': 'application/json' });
    if (!request.url?.includes('watch=true') || response.statusCode !== 200) {
      response.end('{}');
      return;
    }
    watches.push(response);
    response.write('{"type":"first"}\n');
  });
  server.on('upgrade', (request, socket) => {
    const status = judge(request.headers.authorization);
    socket.end(
      status === 200
        ? 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
        : 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n',
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  hub = await startFakeHub();
  const cluster = clusterAt({ port, certificate: pair.certificate });
  hub.items = [profileObject('a', {}, { status: { accessProviders: [{ name: 'p', cluster }] } })];
  sidecar = await startSidecarWith({
    clock,
    contexts: { hub: { server: hub.root.server, user: { token: 't' } } },
    args: [`--cluster-inventory-provider-file=${join(folder, 'providers')}`],
  });
});

afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await sidecar.close();
  await hub.close();
  await rm(folder, { recursive: true });
});

async function request(): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${sidecar.port}${path}`);
  await response.arrayBuffer();
  return response.status;
}

it('[S04, FA-24] a token is renewed in time: none that has expired is sent, a run for each lifetime, and nothing that is open is cut', async () => {
  await until('the cluster', async () => (await request()) === 200);
  const runsBefore = countRuns();
  const watch = await openRawClient(sidecar.port);
  watch.send(`GET ${path}?watch=true HTTP/1.1\r\nHost: 127.0.0.1:${sidecar.port}\r\n\r\n`);
  await watch.waitFor('first');

  const statuses = new Set<number>();
  for (let elapsedMs = 0; elapsedMs < 4 * lifetimeMs; elapsedMs += 250) {
    clock.advance(250);
    writeExpiry();
    for (const status of await Promise.all([request(), request(), request()])) statuses.add(status);
  }
  expect([...statuses]).toEqual([200]);
  expect(answered.filter((each) => each.endsWith('expired'))).toEqual([]);
  // Each after four fifths of its lifetime, and not for each of the 240 requests.
  const runs = countRuns() - runsBefore;
  expect(runs).toBeGreaterThanOrEqual(4);
  expect(runs).toBeLessThanOrEqual(6);

  // A new upgrade goes out with the latest, the old watch goes on.
  const upgrade = await openRawClient(sidecar.port);
  upgrade.send(
    `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${sidecar.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
  );
  expect(parseAnswer(await upgrade.waitFor('\r\n\r\n')).status).toBe(101);
  expect(answered.at(-1)).toBe(`200 Bearer token-${countRuns()}`);
  expect(watches).toHaveLength(1);
  watches[0]?.write('{"type":"second"}\n');
  await watch.waitFor('second');
  expect(watch.outcome).toBeUndefined();
  watch.socket.destroy();
  upgrade.socket.destroy();
});

it('[S04, EX-25, FA-33] a token that is refused before its expiry is renewed by the 401, once for all who ask', async () => {
  writeWhole('expiry', '2026-12-31T00:00:00Z');
  await until('the cluster', async () => (await request()) === 200);
  const runsBefore = countRuns();
  // As a rotation that the plugin knows of and the sidecar does not.
  for (let round = 1; round <= 3; round++) {
    writeWhole(`expiry.${countRuns() + 1}`, '2026-12-31T00:00:00Z');
    writeWhole('runs', String(countRuns() + 1));
    answered = [];
    expect(await Promise.all([request(), request(), request()])).toEqual([200, 200, 200]);
    expect(answered.filter((each) => each.startsWith('200'))).toHaveLength(3);
    expect(answered.filter((each) => each.startsWith('401')).length).toBeLessThanOrEqual(3);
    expect(countRuns()).toBe(runsBefore + 2 * round);
  }
});
