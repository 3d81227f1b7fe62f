import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CodedError } from '../../src/foundation/errors.ts';
import { GatheredBody } from '../../src/proxy/gatheredBody.ts';
import { exchangeRaw, openRawClient, parseAnswer, type RawClient } from '../support/rawClient.ts';
import {
  answerWith,
  type RecordingUpstream,
  startRecordingUpstream,
  type UpstreamConnection,
} from '../support/recordingUpstream.ts';
import { clusterAt, type Proxy, startProxy } from '../support/startProxy.ts';
import { until } from '../support/until.ts';

let upstream: RecordingUpstream;
let other: RecordingUpstream;
let proxy: Proxy;

beforeEach(async () => {
  upstream = await startRecordingUpstream();
  other = await startRecordingUpstream();
  proxy = await startProxy({ clusters: { a: clusterAt(upstream), b: clusterAt(other) } });
});

afterEach(async () => {
  vi.restoreAllMocks();
  await proxy.close();
  await upstream.close();
  await other.close();
});

const chunkedHead = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

async function open(line: string): Promise<{ client: RawClient; connection: UpstreamConnection }> {
  const index = upstream.connections.length;
  const client = await openRawClient(proxy.port);
  client.send(proxy.request(line));
  const connection = await upstream.connection(index);
  await connection.waitFor('\r\n\r\n');
  return { client, connection };
}

const openWatch = () => open(`GET ${proxy.pathOf('a')}/api/v1/pods?watch=1`);

describe('a watch', () => {
  it('[PX-21] streams its head and each event as they come', async () => {
    const { client, connection } = await openWatch();
    connection.send(chunkedHead);
    await client.waitFor('200 OK');
    for (const event of ['first', 'second', 'third']) {
      connection.send(`5\r\n${event.slice(0, 5).padEnd(5)}\r\n`);
      await client.waitFor(event.slice(0, 5));
    }
    connection.send('0\r\n\r\n');
    expect(await client.waitForEnd()).toMatch(/\r\n0\r\n\r\n$/);
  });

  it('[PX-23] whose client goes away ends upstream', async () => {
    const { client, connection } = await openWatch();
    connection.send(chunkedHead);
    await client.waitFor('200 OK');
    client.socket.destroy();
    await connection.waitForClose();
  });

  it('[PX-23] whose client goes away before it is answered ends upstream, and is no fault of the cluster', async () => {
    const { client, connection } = await openWatch();
    client.socket.destroy();
    await connection.waitForClose();
    expect(proxy.entryOf('a').status.state).toBe('not-checked');
  });

  it('[PX-23] that waits behind another one ends with its client, too', async () => {
    const line = `GET ${proxy.pathOf('a')}/api/v1/pods?watch=1 HTTP/1.1\r\nHost: ${proxy.host}\r\n\r\n`;
    const client = await openRawClient(proxy.port);
    client.send(line + line);
    const [first, second] = [await upstream.connection(0), await upstream.connection(1)];
    first.send(chunkedHead);
    second.send(chunkedHead);
    await client.waitFor('200 OK');
    client.socket.destroy();
    await first.waitForClose();
    await second.waitForClose();
  });

  it('[PX-23] whose client goes away while its credential is fetched never begins', async () => {
    const credentials = proxy.credentialsOf('a');
    const held = Promise.withResolvers<undefined>();
    let asked = 0;
    credentials.answer = async () => {
      asked++;
      await held.promise;
      return { token: 'late', connectionKey: '' };
    };
    const client = await openRawClient(proxy.port);
    client.send(proxy.request(`GET ${proxy.pathOf('a')}/api/v1/pods?watch=1`));
    await until('the credential is asked for', () => asked > 0);
    client.socket.resetAndDestroy();
    await until('the client has gone', async () => (await proxy.countConnections()) === 0);
    held.resolve(undefined);
    // What is asked later is answered later: by then the first request would have come, too.
    upstream.answers.push(answerWith('ok'));
    credentials.answer = undefined;
    expect((await exchangeRaw(proxy.port, proxy.request(`GET ${proxy.pathOf('a')}/x`))).status).toBe(200);
    expect(upstream.heads.map((head) => head.split(' ')[1])).toEqual(['/x']);
  });
});

describe('a cluster that breaks off', () => {
  it('[PX-23] in chunks: what came arrives, then a reset', async () => {
    const { client, connection } = await openWatch();
    connection.send(`${chunkedHead}4\r\npart\r\n`);
    await client.waitFor('part');
    connection.reset();
    expect(await client.waitForEnd()).not.toMatch(/0\r\n\r\n$/);
    expect(client.outcome).toBe('ECONNRESET');
  });

  it('[PX-23] by a FIN in the middle of a known length', async () => {
    const { client, connection } = await open(`GET ${proxy.pathOf('a')}/x`);
    connection.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\npart');
    await client.waitFor('part');
    connection.socket.end();
    await client.waitForEnd();
    expect(client.outcome).toBe('ECONNRESET');
  });

  it('[PX-23] is no clean end for a client that knows no chunks either', async () => {
    const client = await openRawClient(proxy.port);
    client.send(`GET ${proxy.pathOf('a')}/x HTTP/1.0\r\nHost: ${proxy.host}\r\n\r\n`);
    const connection = await upstream.connection(0);
    await connection.waitFor('\r\n\r\n');
    connection.send(`${chunkedHead}4\r\npart\r\n`);
    await client.waitFor('part');
    connection.reset();
    await client.waitForEnd();
    expect(client.outcome).toBe('ECONNRESET');
  });

  it('[PX-23] before its head is 502', async () => {
    const { client, connection } = await open(`GET ${proxy.pathOf('a')}/x`);
    connection.reset();
    const { status, headers } = parseAnswer(await client.waitForEnd());
    expect(status).toBe(502);
    expect(headers).toContain('X-Cluster-Inventory-Error: connection-reset');
  });

  it.each(['POST', 'PUT', 'PATCH', 'DELETE'])('[PX-26] is not sent its %s again', async (method) => {
    const { client, connection } = await open(`${method} ${proxy.pathOf('a')}/x`);
    connection.reset();
    expect(parseAnswer(await client.waitForEnd()).status).toBe(502);
    upstream.answers.push(answerWith('ok'));
    await exchangeRaw(proxy.port, proxy.request(`GET ${proxy.pathOf('a')}/after`));
    expect(upstream.heads.map((head) => head.split(' ')[0])).toEqual([method, 'GET']);
  });
});

describe('a cluster that hangs', () => {
  beforeEach(async () => {
    await proxy.close();
    proxy = await startProxy({
      clusters: { a: clusterAt(upstream), b: clusterAt(other) },
      limits: { responseHeadersTimeoutMs: 100 },
    });
  });

  it('[PX-25, FA-31] before its head is 504', async () => {
    const { client, connection } = await open(`GET ${proxy.pathOf('a')}/x`);
    const { status, headers } = parseAnswer(await client.waitForEnd());
    expect(status).toBe(504);
    expect(headers).toContain('X-Cluster-Inventory-Error: response-timeout');
    await connection.waitForClose();
  });

  it('[PX-25] is waited for by a watch, as long as it takes', async () => {
    const watch = await openWatch();
    // The limit of another request ends after that of the watch would have.
    const { client } = await open(`GET ${proxy.pathOf('a')}/x`);
    expect(parseAnswer(await client.waitForEnd()).status).toBe(504);
    watch.connection.send(`${chunkedHead}0\r\n\r\n`);
    expect(parseAnswer(await watch.client.waitForEnd()).status).toBe(200);
  });

  it('[PX-42] does not hold up another', async () => {
    await openWatch();
    other.answers.push(answerWith('b'));
    const answer = await exchangeRaw(proxy.port, proxy.request(`GET ${proxy.pathOf('b')}/x`));
    expect(answer.body).toBe('b');
  });
});

describe('a cluster that is removed', () => {
  it('[PX-41, FA-11] ends what is open, in both directions, and nobody else’s', async () => {
    const { client, connection } = await openWatch();
    connection.send(`${chunkedHead}4\r\npart\r\n`);
    await client.waitFor('part');
    const othersClient = await openRawClient(proxy.port);
    othersClient.send(proxy.request(`GET ${proxy.pathOf('b')}/api/v1/pods?watch=1`));
    const others = await other.connection(0);
    await others.waitFor('\r\n\r\n');
    others.send(chunkedHead);
    proxy.remove('a');
    await client.waitForEnd();
    expect(client.outcome).toBe('ECONNRESET');
    await connection.waitForClose();
    others.send('4\r\nmore\r\n');
    await othersClient.waitFor('more');
  });

  it('[PX-41] ends what a slow client has yet to get, also where the cluster has sent all of it and is gone', async () => {
    const add = vi.spyOn(GatheredBody.prototype, 'add').mockReturnValue(false);
    const { client, connection } = await openWatch();
    connection.socket.end(`${chunkedHead}4\r\npart\r\n0\r\n\r\n`);
    await connection.waitForClose();
    expect(add).toHaveBeenCalledTimes(1);
    proxy.remove('a');
    await client.waitForEnd();
    expect(client.outcome).toBe('ECONNRESET');
  });

  it('[AC-13, PX-41] and one that moves ends what is open; nothing is known of where it is now', async () => {
    const { client, connection } = await openWatch();
    connection.send(chunkedHead);
    await client.waitFor('200 OK');
    proxy.publish('a', clusterAt(other));
    await client.waitForEnd();
    await connection.waitForClose();
    expect(proxy.entryOf('a').status.state).toBe('not-checked');
    other.answers.push(answerWith('moved'));
    const answer = await exchangeRaw(proxy.port, proxy.request(`GET ${proxy.pathOf('a')}/x`));
    expect(answer.body).toBe('moved');
  });

  it('[PX-41] closes connections that are idle', async () => {
    upstream.answers.push(answerWith('ok'));
    await exchangeRaw(proxy.port, proxy.request(`GET ${proxy.pathOf('a')}/x`));
    proxy.remove('a');
    await (await upstream.connection(0)).waitForClose();
  });

  it('[PX-04, FA-11] answers what has not begun with its reason', async () => {
    const { client } = await openWatch();
    proxy.remove('a');
    const { status, headers } = parseAnswer(await client.waitForEnd());
    expect(status).toBe(404);
    expect(headers).toContain('X-Cluster-Inventory-Error: cluster-unknown');
  });
});

describe('[EX-25, FA-33] a cluster that answers 401', () => {
  const unauthorized = answerWith('no', '401 Unauthorized', 'WWW-Authenticate: Basic\r\n');
  const tokens = (): (string | undefined)[] =>
    upstream.heads.map((head) => /Authorization: Bearer (.*)\r\n/.exec(head)?.[1]);
  const ask = (line: string, headers: readonly string[] = [], body = '') =>
    exchangeRaw(proxy.port, proxy.request(line, headers, body));

  it.each(['GET', 'HEAD'])('is asked again once, with the next credential, for a %s', async (method) => {
    const ok = method === 'HEAD' ? 'HTTP/1.1 200 OK\r\n\r\n' : answerWith('ok');
    upstream.answers.push(method === 'HEAD' ? 'HTTP/1.1 401 Unauthorized\r\n\r\n' : unauthorized, ok);
    expect((await ask(`${method} ${proxy.pathOf('a')}/x`)).status).toBe(200);
    expect(tokens()).toEqual(['token-1', 'token-2']);
    expect(proxy.credentialsOf('a').rejected).toEqual(['token-1']);
  });

  it('twice: it is the provider’s fault and no 401, and both credentials are dropped', async () => {
    upstream.answers.push(unauthorized, unauthorized);
    const { status, headers } = await ask(`GET ${proxy.pathOf('a')}/x`);
    expect(status).toBe(502);
    expect(headers).toContain('X-Cluster-Inventory-Error: plugin-credential-rejected');
    expect(headers.join()).not.toContain('WWW-Authenticate');
    expect(proxy.credentialsOf('a').rejected).toEqual(['token-1', 'token-2']);
    expect(proxy.entryOf('a').status.state).toBe('credential-rejected');
  });

  it.each([
    ['POST', ''],
    ['DELETE', ''],
    ['GET', 'body'],
  ])(
    'is not sent a %s with body %j again; the next request has the next credential',
    async (method, body) => {
      upstream.answers.push(unauthorized, answerWith('ok'));
      expect(
        (await ask(`${method} ${proxy.pathOf('a')}/x`, [`Content-Length: ${body.length}`], body)).status,
      ).toBe(502);
      expect((await ask(`GET ${proxy.pathOf('a')}/x`)).status).toBe(200);
      expect(tokens()).toEqual(['token-1', 'token-2']);
    },
  );

  it.each([
    '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews',
    '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    '/apis/authentication.k8s.io/v1/selfsubjectreviews',
  ])('is sent a review about oneself again, with its body: POST %s', async (path) => {
    const review = '{"spec":{"resourceAttributes":{"verb":"get","resource":"pods"}}}';
    upstream.answers.push(unauthorized, answerWith('{}', '201 Created'));
    const { status } = await ask(
      `POST ${proxy.pathOf('a')}${path}`,
      [`Content-Length: ${review.length}`],
      review,
    );
    expect(status).toBe(201);
    expect(tokens()).toEqual(['token-1', 'token-2']);
    const received = upstream.connections.map((each) => each.received).join('');
    expect(received.split(review)).toHaveLength(3);
  });

  it('whose plugin has no other credential: 502 with that reason', async () => {
    const credentials = proxy.credentialsOf('a');
    const only = await credentials.get();
    credentials.answer = () =>
      credentials.rejected.length === 0
        ? Promise.resolve(only)
        : Promise.reject(new CodedError('plugin-credential-rejected'));
    upstream.answers.push(unauthorized);
    const { status, headers } = await ask(`GET ${proxy.pathOf('a')}/x`);
    expect(status).toBe(502);
    expect(headers).toContain('X-Cluster-Inventory-Error: plugin-credential-rejected');
    expect(upstream.heads).toHaveLength(1);
  });

  it('from an app under a proxy subresource is the app’s, and passes', async () => {
    upstream.answers.push(unauthorized);
    const line = `GET ${proxy.pathOf('a')}/api/v1/namespaces/n/services/s/proxy/x`;
    expect((await ask(line)).status).toBe(401);
    expect(proxy.credentialsOf('a').rejected).toEqual([]);
    expect(upstream.heads).toHaveLength(1);
  });
});

describe('[PX-22] of 64 MiB', () => {
  const block = Buffer.alloc(1024 * 1024, 'x');
  const blocks = 64;

  /** Writes it as fast as it is taken; resolves when no more of it is. */
  async function fill(socket: Socket): Promise<number> {
    let sent = 0;
    const pump = (): void => {
      if (sent === blocks) return;
      sent++;
      if (socket.write(block)) pump();
      else socket.once('drain', pump);
    };
    pump();
    let polls = 0;
    let before = -1;
    await until('nothing moves any more', () => {
      polls = sent === before ? polls + 1 : 0;
      before = sent;
      return polls > 40;
    });
    return sent;
  }

  it('a cluster is read no faster than the client reads', async () => {
    const { client, connection } = await open(`GET ${proxy.pathOf('a')}/x`);
    client.socket.pause();
    connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${block.length * blocks}\r\n\r\n`);
    expect(await fill(connection.socket)).toBeLessThan(blocks / 2);
    client.socket.resume();
    expect(parseAnswer(await client.waitForEnd()).body).toHaveLength(block.length * blocks);
  });

  it('a client is read no faster than the cluster reads', async () => {
    const client = await openRawClient(proxy.port);
    const length = 1 + block.length * blocks;
    client.send(proxy.request(`POST ${proxy.pathOf('a')}/x`, [`Content-Length: ${length}`], 'x'));
    const connection = await upstream.connection(0);
    await connection.waitFor('\r\n\r\nx');
    connection.socket.pause();
    expect(await fill(client.socket)).toBeLessThan(blocks / 2);
    let received = 0;
    connection.socket.removeAllListeners('data');
    connection.socket.on('data', (chunk: Buffer) => (received += chunk.length));
    connection.socket.resume();
    await until('all of it', () => received === block.length * blocks);
    connection.send(answerWith('ok'));
    expect(parseAnswer(await client.waitForEnd()).status).toBe(200);
  });
});
