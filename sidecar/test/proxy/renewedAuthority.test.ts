import { afterEach, beforeEach, expect, it } from 'vitest';
import { exchangeRaw } from '../support/rawClient.ts';
import { answerWith, type RecordingUpstream, startRecordingUpstream } from '../support/recordingUpstream.ts';
import { createSelfSignedPair } from '../support/selfSignedPair.ts';
import { clusterAt, type Proxy, startProxy } from '../support/startProxy.ts';

let upstream: RecordingUpstream;
let proxy: Proxy;

beforeEach(async () => {
  upstream = await startRecordingUpstream();
  proxy = await startProxy({ clusters: { a: clusterAt(upstream) } });
});

afterEach(async () => {
  await proxy.close();
  await upstream.close();
});

const upgrade = ['Connection: Upgrade', 'Upgrade: websocket'];

/** The status and code of a request and of an upgrade. */
async function ask(): Promise<readonly string[]> {
  const outcomes: string[] = [];
  for (const headers of [['Connection: close'], upgrade]) {
    upstream.answers.length = 0;
    upstream.answers.push(answerWith('ok'));
    const { status, headers: lines } = await exchangeRaw(
      proxy.port,
      [`GET ${proxy.pathOf('a')}/x HTTP/1.1`, `Host: ${proxy.host}`, ...headers, '\r\n'].join('\r\n'),
    );
    const code = lines.find((line) => line.startsWith('X-Cluster-Inventory-Error: '))?.split(': ')[1] ?? '';
    outcomes.push(`${status} ${code}`.trim());
  }
  return outcomes;
}

/** As an API server that starts anew. */
async function renew(): Promise<string> {
  const certificate = upstream.renewCertificate();
  for (const connection of upstream.connections) {
    connection.socket.destroy();
    await connection.waitForClose();
  }
  return certificate;
}

it('[FA-32, AC-22] a certificate under a new authority fails until the profile says so, and works then', async () => {
  expect(await ask()).toEqual(['200', '200']);
  const renewed = await renew();
  const sent = upstream.heads.length;
  // As often as it is asked: no failure wears off.
  for (let count = 0; count < 3; count++)
    expect(await ask()).toEqual(['502 tls-untrusted', '502 tls-untrusted']);
  expect(proxy.entryOf('a').status).toMatchObject({ state: 'unreachable', code: 'tls-untrusted' });

  const { certificate: foreign } = createSelfSignedPair('kube-apiserver', { addresses: ['127.0.0.1'] });
  proxy.publish('a', clusterAt({ port: upstream.port, certificate: foreign }));
  expect(await ask()).toEqual(['502 tls-untrusted', '502 tls-untrusted']);
  // Nothing was said to who is not trusted.
  expect(upstream.heads).toHaveLength(sent);

  proxy.publish('a', clusterAt({ port: upstream.port, certificate: renewed }));
  expect(await ask()).toEqual(['200', '200']);
  expect(proxy.entryOf('a').status.state).toBe('ready');
});

it('[FA-32] a profile that names both authorities while one takes over from the other is never without', async () => {
  const old = upstream.certificate;
  const renewed = upstream.renewCertificate();
  proxy.publish('a', clusterAt({ port: upstream.port, certificate: old + renewed }));
  expect(await ask()).toEqual(['200', '200']);
  proxy.publish('a', clusterAt({ port: upstream.port, certificate: renewed }));
  expect(await ask()).toEqual(['200', '200']);
  proxy.publish('a', clusterAt({ port: upstream.port, certificate: old }));
  expect(await ask()).toEqual(['502 tls-untrusted', '502 tls-untrusted']);
});
