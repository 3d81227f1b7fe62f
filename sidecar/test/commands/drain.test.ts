import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { buildClusterName } from '../../src/clusters/clusterName.ts';
import { buildProfileKey } from '../../src/inventory/profileKey.ts';
import { type FakeHub, profileObject, startFakeHub } from '../support/fakeHub.ts';
import { answerWith, type RecordingUpstream, startRecordingUpstream } from '../support/recordingUpstream.ts';
import { clusterAt } from '../support/startProxy.ts';
import { startSidecar, type TestSidecar } from '../support/startSidecar.ts';
import { until } from '../support/until.ts';

let hub: FakeHub;
let upstream: RecordingUpstream;
let sidecar: TestSidecar;
let drained: Promise<void> | undefined;

/** Longer than anything that a test waits for. */
const longMs = 15_000;

beforeEach(async () => {
  hub = await startFakeHub();
  upstream = await startRecordingUpstream();
  hub.items = [
    profileObject('a', {}, { status: { accessProviders: [{ name: 'p', cluster: clusterAt(upstream) }] } }),
  ];
  sidecar = await startSidecar({ hub: { server: hub.root.server, user: { token: 't' } } });
  drained = undefined;
  await until('the hub is watched', () => hub.watches.length === 1);
});

afterEach(async () => {
  await upstream.close();
  await (drained ?? sidecar.drain(0));
  await hub.close();
  await rm(sidecar.folder, { recursive: true });
});

function ask(rest: string): Promise<Response> {
  const name = buildClusterName(buildProfileKey('store/hub', 'default', 'a'));
  return fetch(`http://127.0.0.1:${sidecar.port}/clusters/${name}${rest}`);
}

it('[FA-42] a request under way finishes; it is not ready, and takes no new one', async () => {
  const asked = ask('/api/v1/pods');
  await until('the cluster is asked', () => upstream.heads.length === 1);
  drained = sidecar.drain(longMs);
  expect((await sidecar.readyz()).text).toContain('[-] not draining');
  await expect(ask('/version')).rejects.toThrow();
  (await upstream.connection(0)).send(answerWith('[]'));
  const response = await asked;
  expect([response.status, await response.text()]).toEqual([200, '[]']);
  // Though the client would keep its connection.
  let isDrained = false;
  void drained.then(() => (isDrained = true));
  await until('it is drained', () => isDrained);
});

it('[FA-42] what is still open after the deadline ends', async () => {
  const watched = ask('/api/v1/pods?watch=1');
  const connection = await upstream.connection(0);
  await until('the cluster is asked', () => upstream.heads.length === 1);
  connection.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n');
  const { body } = await watched;
  drained = sidecar.drain(0);
  await expect(new Response(body).text()).rejects.toThrow();
  await connection.waitForClose();
  await drained;
});

it('[FA-42, EX-29] no plugin is left, not even one that does not want to end', async () => {
  const pidFile = join(sidecar.folder, 'pid');
  const command = join(sidecar.folder, 'plugin-of-the-provider');
  await writeFile(command, `#!/bin/sh\ntrap '' TERM\necho $$ > ${pidFile}\nwhile :; do sleep 0.05; done\n`);
  const asked = ask('/api/v1/pods').catch(() => undefined);
  const readPid = async (): Promise<number> => Number(await readFile(pidFile, 'utf8').catch(() => ''));
  await until('the plugin runs', async () => (await readPid()) > 0);
  const pid = await readPid();
  drained = sidecar.drain(0);
  await drained;
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  await asked;
});
