import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createManualClock, type ManualClock } from '../support/manualClock.ts';
import { openRawClient, parseAnswer } from '../support/rawClient.ts';
import { answerWith, type RecordingUpstream, startRecordingUpstream } from '../support/recordingUpstream.ts';
import { clusterAt, type Proxy, startProxy } from '../support/startProxy.ts';
import { until } from '../support/until.ts';

let upstream: RecordingUpstream;
let proxy: Proxy;
let clock: ManualClock;

beforeEach(async () => {
  clock = createManualClock();
  upstream = await startRecordingUpstream();
  proxy = await startProxy({ clusters: { a: clusterAt(upstream) }, clock });
  // Whatever a library sets for itself is set on these.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
});

afterEach(async () => {
  vi.useRealTimers();
  await proxy.close();
  await upstream.close();
});

/** Time goes on for everybody, as in a real pause. */
function pass(ms: number): void {
  for (let passed = 0; passed < ms; passed += 1_000) {
    clock.advance(1_000);
    vi.advanceTimersByTime(1_000);
  }
}

const hourMs = 3_600_000;
const upgrade = ['Connection: Upgrade', 'Upgrade: websocket'];
const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
const switched = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

async function open(rest: string, headers: readonly string[] = []) {
  const client = await openRawClient(proxy.port);
  client.send(
    [`GET ${proxy.pathOf('a')}${rest} HTTP/1.1`, `Host: ${proxy.host}`, ...headers, '\r\n'].join('\r\n'),
  );
  const connection = await upstream.connection(0);
  await connection.waitFor('\r\n\r\n');
  return { client, connection };
}

describe('[S06, PX-21, PX-25] what is silent for an hour goes on', () => {
  it.each([
    ['a log that is followed', '/api/v1/namespaces/default/pods/p/log?follow=true', []],
    ['a watch', '/api/v1/pods?watch=true', []],
    ['a large list that stops in the middle', '/api/v1/pods', []],
    ['an exec', '/api/v1/namespaces/default/pods/p/exec?command=sh', upgrade],
    ['a watch over WebSocket', '/api/v1/pods?watch=true', upgrade],
  ])('%s', async (_, rest, headers) => {
    const { client, connection } = await open(rest, headers);
    const isTunnel = headers.length > 0;
    const line = (text: string): string => (isTunnel ? text : `${text.length.toString(16)}\r\n${text}\r\n`);
    connection.send((isTunnel ? switched : chunked) + line('first line\n'));
    await client.waitFor('first line');
    pass(hourMs);
    connection.send(line('second line\n'));
    expect(await client.waitFor('second line')).toMatch(/first line/);
    expect([client.outcome, upstream.connections.length]).toEqual([undefined, 1]);
    client.socket.destroy();
    await until('upstream is closed', () => connection.ended || connection.socket.destroyed);
  });

  it('an upload that pauses', async () => {
    const client = await openRawClient(proxy.port);
    client.send(proxy.request(`PUT ${proxy.pathOf('a')}/x`, ['Content-Length: 8'], 'part'));
    const connection = await upstream.connection(0);
    await connection.waitFor('part');
    pass(hourMs);
    client.send('rest');
    await connection.waitFor('partrest');
    connection.send(answerWith('ok'));
    expect(parseAnswer(await client.waitForEnd()).body).toBe('ok');
  });
});

describe('[S06, PX-25] a cluster that never sends headers', () => {
  it.each([
    ['a log that is followed', '/api/v1/namespaces/default/pods/p/log?follow=true', []],
    ['a watch', '/api/v1/pods?watch=true', []],
    ['an exec', '/api/v1/namespaces/default/pods/p/exec?command=sh', upgrade],
  ])('is waited for by %s, which ends it at once when it leaves', async (_, rest, headers) => {
    const { client, connection } = await open(rest, headers);
    pass(hourMs);
    expect([client.received, client.outcome]).toEqual(['', undefined]);
    client.socket.resetAndDestroy();
    await connection.waitForClose();
  });
});

it('[PX-25, PX-28] the system asks a silent client whether it is still there', async () => {
  const { client } = await open('/api/v1/pods?watch=true');
  const hex = (port: number): string => `0100007F:${port.toString(16).padStart(4, '0').toUpperCase()}`;
  const [from, to] = [hex(proxy.port), hex(client.socket.localPort ?? 0)];
  // Its kind of timer, 2 being that of keep-alive, once what was sent is acknowledged.
  const kindOfTimer = (): string | undefined =>
    readFileSync('/proc/net/tcp', 'utf8')
      .split('\n')
      .map((row) => row.trim().split(/\s+/))
      .find(([, local, remote]) => local === from && remote === to)?.[5]
      ?.slice(0, 2);
  vi.useRealTimers();
  await until('it is asked about', () => kindOfTimer() === '02');
  client.socket.destroy();
});

it('[PX-23, PX-28] whoever sends more than 64 KiB before its upgrade is decided is not kept', async () => {
  const { client, connection } = await open('/api/v1/namespaces/default/pods/p/exec?command=sh', upgrade);
  vi.useRealTimers();
  client.send('x'.repeat(200_000));
  await connection.waitForClose();
  await until('it is closed', () => client.outcome !== undefined);
  client.socket.destroy();
});
