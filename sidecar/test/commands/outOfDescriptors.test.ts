import { afterEach, beforeEach, expect, it } from 'vitest';
import { openRawClient, parseAnswer, type RawClient } from '../support/rawClient.ts';
import { answerWith, type RecordingUpstream, startRecordingUpstream } from '../support/recordingUpstream.ts';
import { type SidecarProcess, startSidecarProcess } from '../support/sidecarProcess.ts';
import { clusterAt } from '../support/startProxy.ts';
import { until } from '../support/until.ts';

let upstream: RecordingUpstream;
let sidecar: SidecarProcess;

beforeEach(async () => {
  upstream = await startRecordingUpstream();
  sidecar = await startSidecarProcess({ clusters: { a: clusterAt(upstream) }, maxDescriptors: 80 });
});

afterEach(async () => {
  await sidecar.close();
  await upstream.close();
});

const request = (rest: string, headers: readonly string[] = []): string =>
  [`GET ${sidecar.pathOf('a')}${rest} HTTP/1.1`, `Host: 127.0.0.1:${sidecar.port}`, ...headers, '\r\n'].join(
    '\r\n',
  );

async function ask(): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${sidecar.port}${sidecar.pathOf('a')}/x`);
  await response.arrayBuffer();
  return response.status;
}

it.each([
  ['watches', '/api/v1/pods?watch=1', []],
  ['upgrades', '/api/v1/pods?watch=1', ['Connection: Upgrade', 'Upgrade: websocket']],
])(
  '[FA-44] out of file descriptors by %s: a typed 503, and as before once some are free',
  async (_, rest, headers) => {
    upstream.answers.push(answerWith('ok'));
    expect(await ask()).toBe(200);
    const clients: RawClient[] = [];
    for (let count = 0; count < 120; count++) {
      // One that was not accepted is closed at once, and may be so before it has said anything.
      const client = await openRawClient(sidecar.port).catch(() => undefined);
      if (!client) continue;
      client.send(request(rest, headers));
      clients.push(client);
      if (clients.some(({ received }) => received.includes('HTTP/1.1 503'))) break;
    }
    await until('one is refused', () => clients.some(({ received }) => received.includes('\r\n\r\n')));
    const refused = clients.filter(({ received }) => received !== '');
    for (const { received } of refused) {
      const { status, headers: lines, body } = parseAnswer(received);
      expect([status, lines]).toEqual([
        503,
        expect.arrayContaining(['X-Cluster-Inventory-Error: out-of-descriptors']) as unknown,
      ]);
      expect(JSON.parse(body)).toMatchObject({ kind: 'Status', code: 503 });
    }
    for (const { socket } of clients) socket.destroy();
    upstream.answers.push(...Array.from({ length: 200 }, () => answerWith('ok')));
    await until('it answers again', async () => (await ask().catch(() => 0)) === 200);
    expect((await fetch(`http://127.0.0.1:${sidecar.adminPort}/livez`)).status).toBe(200);
    expect(sidecar.ended).toBeUndefined();
    expect(sidecar.log).not.toMatch(/uncaught|unhandled|internal-error|\n {4}at /i);
  },
);

it('[FA-44] connections that cannot be accepted do not end it, and are served once others have gone', async () => {
  const clients: RawClient[] = [];
  for (let count = 0; count < 150; count++) {
    const client = await openRawClient(sidecar.port).catch(() => undefined);
    if (client) clients.push(client);
  }
  await until('it is alive', () => sidecar.ended === undefined);
  for (const { socket } of clients) socket.destroy();
  upstream.answers.push(...Array.from({ length: 200 }, () => answerWith('ok')));
  await until('it answers', async () => (await ask().catch(() => 0)) === 200);
  expect(sidecar.ended).toBeUndefined();
  expect(sidecar.log).not.toMatch(/uncaught|unhandled/i);
});
