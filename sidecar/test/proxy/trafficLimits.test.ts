import { afterEach, describe, expect, it } from 'vitest';
import { CodedError } from '../../src/foundation/errors.ts';
import { errorHeader } from '../../src/proxy/status.ts';
import type { TrafficLimits } from '../../src/server/trafficPlaces.ts';
import { allowTraffic, person } from '../support/fakeReviews.ts';
import { exchangeRaw, openRawClient, parseAnswer, type RawClient } from '../support/rawClient.ts';
import {
  answerWith,
  type RecordingUpstream,
  startRecordingUpstream,
  type UpstreamConnection,
} from '../support/recordingUpstream.ts';
import { clusterAt, type Proxy, startProxy } from '../support/startProxy.ts';
import { startUsers } from '../support/startUsers.ts';
import { until } from '../support/until.ts';

let upstream: RecordingUpstream;
let proxy: Proxy;
let close: () => Promise<void>;
afterEach(() => close());

async function start(trafficLimits: Partial<TrafficLimits>): Promise<void> {
  upstream = await startRecordingUpstream();
  const clusters = { a: clusterAt(upstream), b: clusterAt(upstream) };
  proxy = await startProxy({
    clusters,
    trafficLimits,
    limits: { responseHeadersTimeoutMs: 300, halfCloseMs: 200 },
  });
  close = async () => {
    await proxy.close();
    await upstream.close();
  };
}

const pod = '/api/v1/namespaces/n/pods/p';
const webSocket = 'Connection: Upgrade\r\nUpgrade: websocket\r\n';
const spdy = 'Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\n';
/** The line and headers of each kind of stream. */
const streams: Readonly<Record<string, readonly [method: string, rest: string, headers: string]>> = {
  'a watch': ['GET', '/api/v1/pods?watch=true', ''],
  'a WebSocket watch': ['GET', '/api/v1/pods?watch=true', webSocket],
  'a log': ['GET', `${pod}/log?follow=true`, ''],
  'a terminal': ['GET', `${pod}/exec?command=sh`, webSocket],
  'a SPDY terminal': ['POST', `${pod}/exec?command=sh`, spdy],
  'an attachment': ['POST', `${pod}/attach`, spdy],
  'a port-forward': ['GET', `${pod}/portforward`, webSocket],
  'an app': ['GET', `${pod}/proxy/x`, ''],
};
const kinds = Object.keys(streams);

const textOf = (kind: string, more = '', cluster = 'a'): string => {
  const [method, rest, headers] = streams[kind] ?? ['GET', '/x', ''];
  return `${method} ${proxy.pathOf(cluster)}${rest} HTTP/1.1\r\nHost: ${proxy.host}\r\n${headers}${more}\r\n`;
};

interface Stream {
  readonly client: RawClient;
  readonly connection: UpstreamConnection;
}

/** Sends it, as far as the cluster has it. */
async function ask(kind: string, more = '', cluster = 'a'): Promise<Stream> {
  const count = upstream.heads.length;
  const client = await openRawClient(proxy.port);
  client.send(textOf(kind, more, cluster));
  await until('the cluster is asked', () => {
    if (client.outcome !== undefined) throw new Error(`${client.outcome} after ${client.received}`);
    return upstream.heads.length > count;
  });
  // Ordinary requests may go over a connection that was used before.
  const connection = upstream.connections.findLast(({ received }) => received.endsWith('\r\n\r\n'));
  if (!connection) throw new Error('no connection');
  return { client, connection };
}

async function open(kind: string, more = '', cluster = 'a'): Promise<Stream> {
  const stream = await ask(kind, more, cluster);
  const { client, connection } = stream;
  const headers = streams[kind]?.[2] ?? '';
  connection.send(
    headers === ''
      ? 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'
      : `HTTP/1.1 101 Switching Protocols\r\n${headers}\r\nhello`,
  );
  await client.waitFor('hello');
  return stream;
}

/** A whole answer of ours that says which limit, and when to come again; the cluster hears nothing. */
async function expectRefused(
  text: string,
  code: string,
  { status = 429, retryAfter = 5 } = {},
): Promise<void> {
  const { length } = upstream.heads;
  const client = await openRawClient(proxy.port);
  client.send(text);
  await client.waitFor('"code":');
  const answer = parseAnswer(client.received);
  expect([answer.status, answer.headers]).toEqual([
    status,
    expect.arrayContaining([`${errorHeader}: ${code}`, `Retry-After: ${retryAfter}`]),
  ]);
  expect(JSON.parse(answer.body)).toMatchObject({
    kind: 'Status',
    code: status,
    reason: status === 429 ? 'TooManyRequests' : 'ServiceUnavailable',
    details: { causes: [{ reason: code }] },
  });
  expect(upstream.heads).toHaveLength(length);
  client.socket.destroy();
}

/** Whether there is a place for one more; what is refused meanwhile is asked again. */
async function expectPlace(kind: string): Promise<void> {
  await until('there is a place', async () => {
    const { length } = upstream.heads;
    upstream.answers.splice(0, Infinity, answerWith('no', '404 Not Found'));
    const client = await openRawClient(proxy.port);
    client.send(textOf(kind));
    await client.waitFor('\r\n\r\n');
    client.socket.destroy();
    return upstream.heads.length > length;
  });
  upstream.answers.length = 0;
}

describe.each(kinds)('%s', (kind) => {
  it('[PX-28, PX-36] beyond those that a cluster may have is refused until one of them ends', async () => {
    await start({ maxStreamsPerCluster: 3 });
    const [first] = [await open(kind), await open('a watch'), await open('a terminal')];
    await expectRefused(textOf(kind), 'too-many-streams-of-cluster');
    // Those that are open, other requests and other clusters go on.
    first.connection.send(first.client.received.includes('101 Switching') ? 'onwards' : '7\r\nonwards\r\n');
    await first.client.waitFor('onwards');
    upstream.answers.push(answerWith('ok'));
    expect((await exchangeRaw(proxy.port, proxy.request(`GET ${proxy.pathOf('a')}/x`))).body).toBe('ok');
    const elsewhere = await open(kind, '', 'b');
    first.client.socket.destroy();
    await expectPlace(kind);
    elsewhere.client.socket.destroy();
  });

  it.each<[string, () => Promise<unknown>]>([
    [
      'its client left',
      async () => {
        (await open(kind)).client.socket.resetAndDestroy();
      },
    ],
    [
      'its client ended it',
      async () => {
        const { client, connection } = await open(kind);
        client.socket.end();
        await connection.waitForClose();
        client.socket.destroy();
      },
    ],
    [
      'the cluster ended it',
      async () => {
        const { client, connection } = await open(kind);
        connection.socket.end(client.received.includes('101 Switching') ? '' : '0\r\n\r\n');
        await client.waitFor(client.received.includes('101 Switching') ? 'hello' : '\r\n0\r\n');
        client.socket.end();
      },
    ],
    [
      'the cluster reset it',
      async () => {
        const { client, connection } = await open(kind);
        connection.reset();
        await client.waitForEnd();
      },
    ],
    [
      'the client left before the cluster answered',
      async () => {
        (await ask(kind)).client.socket.resetAndDestroy();
      },
    ],
    [
      'the cluster left before it answered',
      async () => {
        const { client, connection } = await ask(kind);
        connection.reset();
        await client.waitFor(' 502 ');
      },
    ],
    [
      'the cluster refused it',
      async () => {
        const { client, connection } = await ask(kind);
        connection.send(answerWith('no', '403 Forbidden'));
        await client.waitFor('no');
      },
    ],
    [
      'the cluster answered no HTTP',
      async () => {
        const { client, connection } = await ask(kind);
        connection.send('nonsense\r\n\r\n');
        await client.waitFor(' 502 ');
      },
    ],
    [
      'no credential was to be had',
      async () => {
        const credentials = proxy.credentialsOf('a');
        credentials.answer = () => Promise.reject(new CodedError('plugin-exited'));
        const client = await openRawClient(proxy.port);
        client.send(textOf(kind));
        await client.waitFor('plugin-exited');
        credentials.answer = undefined;
      },
    ],
    [
      'its headers could not be sent',
      async () => {
        const client = await openRawClient(proxy.port);
        client.send(textOf(kind, 'Accept: \x80\r\nX-Request-Id: \x01\r\n'));
        await client.waitFor(' 400 ');
      },
    ],
  ])('[PX-28] has given its place back after %s', async (_, end) => {
    await start({ maxStreamsPerCluster: 1 });
    await end();
    await expectPlace(kind);
  });

  it('[PX-28] gives its place back when its client leaves, while the plugin still runs', async () => {
    await start({ maxStreamsPerCluster: 1 });
    const credentials = proxy.credentialsOf('a');
    let asked = 0;
    credentials.answer = () => {
      asked++;
      return new Promise(() => undefined);
    };
    const client = await openRawClient(proxy.port);
    client.send(textOf(kind));
    await until('the plugin runs', () => asked === 1);
    // Its place is taken before the plugin is asked.
    await expectRefused(textOf(kind), 'too-many-streams-of-cluster');
    expect(asked).toBe(1);
    client.socket.resetAndDestroy();
    credentials.answer = undefined;
    await expectPlace(kind);
  });

  it('[PX-28] gives its place back when its cluster goes, and has one in the next of that name', async () => {
    await start({ maxStreamsPerCluster: 1 });
    const { client } = await open(kind);
    proxy.remove('a');
    await client.waitForEnd();
    proxy.publish('a', clusterAt(upstream));
    await expectPlace(kind);
  });
});

it('[PX-28] streams of all clusters together have a limit: 503', async () => {
  await start({ maxStreams: 2 });
  const first = await open('a watch');
  await open('a terminal', '', 'b');
  for (const kind of kinds) await expectRefused(textOf(kind), 'too-many-streams-in-all', { status: 503 });
  first.client.socket.destroy();
  await expectPlace('a terminal');
});

it('[PX-28] streams of one user have a limit, whatever the cluster and token; others go on', async () => {
  const started = await startUsers({
    users: { first: person('ana'), second: person('ana'), third: person('ben') },
    allows: allowTraffic({ ana: ['get', 'create'], ben: ['get', 'create'] }),
    trafficLimits: { maxStreamsPerUser: 2 },
  });
  ({ upstream, proxy } = started);
  close = () => started.close();
  const as = (token: string): string => `Authorization: Bearer ${token}\r\n`;
  const { client } = await open('a watch', as('first'));
  await open('a terminal', as('second'));
  await expectRefused(textOf('a watch', as('first')), 'too-many-streams-of-user');
  await expectRefused(textOf('a terminal', as('second')), 'too-many-streams-of-user');
  await open('a watch', as('third'));
  await open('a SPDY terminal', as('third'));
  client.socket.destroy();
  await until('there is a place', () =>
    open('a watch', as('first')).then(
      () => true,
      () => false,
    ),
  );
});

it('[PX-28] who is refused by the hub takes no place', async () => {
  const started = await startUsers({
    users: { first: person('ana'), second: person('eve') },
    allows: allowTraffic({ ana: ['get'] }),
    trafficLimits: { maxStreamsPerCluster: 1 },
  });
  ({ upstream, proxy } = started);
  close = () => started.close();
  for (let count = 0; count < 3; count++) {
    const client = await openRawClient(proxy.port);
    client.send(textOf('a watch', 'Authorization: Bearer second\r\n'));
    await client.waitFor(' 404 ');
  }
  await open('a watch', 'Authorization: Bearer first\r\n');
});

describe('a request', () => {
  it('[PX-28] beyond those that a cluster may have is refused until one has its answer', async () => {
    await start({ maxRequestsPerCluster: 2 });
    const first = await ask('other');
    const second = await ask('other');
    await expectRefused(textOf('other'), 'too-many-requests-of-cluster', { retryAfter: 1 });
    // A body that nobody takes is not asked for, and is no next request.
    await expectRefused(
      `POST ${proxy.pathOf('a')}/x HTTP/1.1\r\nHost: ${proxy.host}\r\nContent-Length: 60\r\n\r\n${textOf('other')}`,
      'too-many-requests-of-cluster',
      { retryAfter: 1 },
    );
    const stream = await open('a watch');
    const elsewhere = await ask('other', '', 'b');
    elsewhere.connection.send(answerWith('there'));
    await elsewhere.client.waitFor('there');
    first.connection.send(answerWith('here'));
    await first.client.waitFor('here');
    await expectPlace('other');
    second.connection.send(answerWith('here too'));
    await second.client.waitFor('here too');
    stream.client.socket.destroy();
  });

  it.each<[string, () => Promise<unknown>]>([
    [
      'its client left',
      async () => {
        (await ask('other')).client.socket.resetAndDestroy();
      },
    ],
    ['its cluster was silent for too long', async () => (await ask('other')).client.waitFor(' 504 ')],
    [
      'its cluster broke its answer off',
      async () => {
        const { client, connection } = await ask('other');
        connection.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\npart');
        await client.waitFor('part');
        connection.reset();
        await client.waitForEnd();
      },
    ],
    [
      'its cluster went',
      async () => {
        const { client } = await ask('other');
        proxy.remove('a');
        await client.waitFor('cluster');
        proxy.publish('a', clusterAt(upstream));
      },
    ],
  ])('[PX-28] has given its place back after %s', async (_, end) => {
    await start({ maxRequestsPerCluster: 1 });
    await end();
    await expectPlace('other');
  });

  it('[PX-28] that is made here has a place, too', async () => {
    await start({ maxRequestsPerCluster: 1 });
    const name = proxy.pathOf('a').split('/').at(-1) ?? '';
    const target = `/drain-node-status?cluster=${name}&nodeName=n`;
    const client = await openRawClient(proxy.port);
    client.send(`GET ${target} HTTP/1.1\r\nHost: ${proxy.host}\r\n\r\n`);
    const connection = await upstream.connection(0);
    await connection.waitFor('\r\n\r\n');
    await expectRefused(textOf('other'), 'too-many-requests-of-cluster', { retryAfter: 1 });
    connection.send(answerWith('{}', '404 Not Found'));
    await client.waitFor('{}');
    await expectPlace('other');
    client.socket.destroy();
  });
});

it('[PX-23, PX-28] of requests that wait for the one before nothing is left when their client leaves', async () => {
  await start({ maxStreamsPerCluster: 3 });
  const client = await openRawClient(proxy.port);
  client.send(textOf('a watch').repeat(3));
  for (let index = 0; index < 3; index++) await (await upstream.connection(index)).waitFor('\r\n\r\n');
  await expectRefused(textOf('a watch'), 'too-many-streams-of-cluster');
  client.socket.resetAndDestroy();
  for (const connection of upstream.connections) await connection.waitForClose();
  for (let count = 0; count < 3; count++) await open('a watch');
});
