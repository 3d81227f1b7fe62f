import { afterEach, beforeEach, expect, it } from 'vitest';
import { openRawClient, parseAnswer } from '../support/rawClient.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../support/recordingUpstream.ts';
import { clusterAt, type Proxy, startProxy } from '../support/startProxy.ts';

let upstream: RecordingUpstream;
let proxy: Proxy;

beforeEach(async () => {
  upstream = await startRecordingUpstream();
  proxy = await startProxy({
    clusters: { a: clusterAt(upstream) },
    limits: { responseHeadersTimeoutMs: 100 },
  });
});

afterEach(async () => {
  await proxy.close();
  await upstream.close();
});

it.each([
  ['a request', '/version', ''],
  ['a log that is not followed', '/api/v1/namespaces/default/pods/p/log', ''],
  ['a request of which it sends half a head', '/version', 'HTTP/1.1 200 OK\r\nContent-Le'],
  ['a request that it hints at', '/version', 'HTTP/1.1 103 Early Hints\r\n\r\n'],
])(
  '[S06, PX-25, FA-31] %s to a cluster that never sends its headers is 504, and closed',
  async (_, rest, sent) => {
    const client = await openRawClient(proxy.port);
    client.send(proxy.request(`GET ${proxy.pathOf('a')}${rest}`));
    const connection = await upstream.connection(0);
    await connection.waitFor('\r\n\r\n');
    connection.send(sent);
    const { status, headers } = parseAnswer(await client.waitForEnd());
    expect(status).toBe(504);
    expect(headers).toContain('X-Cluster-Inventory-Error: response-timeout');
    await connection.waitForClose();
  },
);

it('[S06, PX-25] one that has sent them may take longer than that for the rest', async () => {
  const client = await openRawClient(proxy.port);
  client.send(proxy.request(`GET ${proxy.pathOf('a')}/api/v1/pods`));
  const slow = await upstream.connection(0);
  await slow.waitFor('\r\n\r\n');
  slow.send('HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nall ');
  await client.waitFor('all ');
  // Another one, asked later, comes to its limit meanwhile.
  const other = await openRawClient(proxy.port);
  other.send(proxy.request(`GET ${proxy.pathOf('a')}/version`));
  expect(parseAnswer(await other.waitForEnd()).status).toBe(504);
  slow.send('of it'.slice(0, 3));
  expect(parseAnswer(await client.waitForEnd(), client.outcome)).toMatchObject({
    body: 'all of ',
    outcome: 'end',
  });
});
