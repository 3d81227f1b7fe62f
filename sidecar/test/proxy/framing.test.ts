import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { person } from '../support/fakeReviews.ts';
import { decodeChunks, exchangeRaw, openRawClient, parseAnswer } from '../support/rawClient.ts';
import {
  answerWith,
  type RecordingUpstream,
  startRecordingUpstream,
  type UpstreamConnection,
} from '../support/recordingUpstream.ts';
import { clusterAt, type Proxy, startProxy } from '../support/startProxy.ts';
import { startUsers } from '../support/startUsers.ts';
import { until } from '../support/until.ts';

/** Requests and answers byte for byte, as they are on the wire. */
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

const ask = (line: string, headers: readonly string[] = [], body = '') =>
  exchangeRaw(proxy.port, proxy.request(line, headers, body));

/** The lines of a head that came from the client: what the sidecar sets itself is known by its name. */
function passedLines(head: string | undefined): string[] {
  const own = /^(host|connection|authorization|audit-id|content-length|transfer-encoding):/i;
  return (head ?? '').split('\r\n').filter((line, index) => index > 0 && line !== '' && !own.test(line));
}

function valuesOf(head: string | undefined, name: string): string[] {
  return (head ?? '')
    .split('\r\n')
    .filter((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))
    .map((line) => line.slice(name.length + 1).trim());
}

describe('the head of a request', () => {
  it.each(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])(
    '[PX-01, PX-20] %s without a body is sent on without one, on one line as it was',
    async (method) => {
      upstream.answers.push('HTTP/1.1 204 No Content\r\n\r\n');
      const target = '/apis/a.example/v1//x;y=1/%7Euser/%E2%82%AC?watch=0&a=&=b&&c=%20+%2B';
      expect((await ask(`${method} ${proxy.pathOf('a')}${target}`)).status).toBe(204);
      const connection = await upstream.connection(0);
      expect(connection.received.split('\r\n')[0]).toBe(`${method} ${target} HTTP/1.1`);
      expect(connection.received).toMatch(/\r\n\r\n$/);
      expect(valuesOf(connection.received, 'transfer-encoding')).toEqual([]);
      expect(['', '0']).toContain(valuesOf(connection.received, 'content-length').join());
    },
  );

  it('[PX-10] keeps order, repetition, letter case and bytes of what passes', async () => {
    upstream.answers.push(answerWith('ok'));
    const lines = [
      'ACCEPT: application/json;as=Table;v=v1;g=meta.k8s.io',
      'accept: application/json',
      'Kubectl-Command: kubectl get',
      'Accept: */*',
      'kubectl-session: \xe9\xff',
      'If-Match: "a", "b"',
      'if-match: "c"',
      'X-Request-ID: 1',
      'x-request-id: 2',
      'Accept-Language:',
      'User-Agent: a  b\tc',
    ];
    await ask(`GET ${proxy.pathOf('a')}/x`, lines);
    expect(passedLines(upstream.heads[0])).toEqual(lines.map((line) => line.replace(/:$/, ': ')));
    expect(valuesOf(upstream.heads[0], 'host')).toEqual([`127.0.0.1:${upstream.port}`]);
    expect(valuesOf(upstream.heads[0], 'authorization')).toEqual(['Bearer token-1']);
  });

  it('[PX-11, PX-24] is without what is for one hop alone', async () => {
    upstream.answers.push(answerWith('ok'));
    await exchangeRaw(
      proxy.port,
      [
        `POST ${proxy.pathOf('a')}/x HTTP/1.1`,
        `Host: ${proxy.host}`,
        'Connection: close, X-Request-Id',
        'TE: trailers',
        'Trailer: X-A',
        'Keep-Alive: timeout=5',
        'Proxy-Connection: keep-alive',
        'Proxy-Authorization: Basic x',
        'Upgrade: h2c',
        'X-Request-Id: 1',
        'Transfer-Encoding: chunked',
        'Accept: a',
        '',
        '0\r\nX-A: b\r\n\r\n',
      ].join('\r\n'),
    );
    expect(passedLines(upstream.heads[0])).toEqual(['Accept: a']);
    expect(upstream.heads[0]).not.toMatch(/trailer|X-A/i);
  });
});

describe('the body of a request', () => {
  /** Sends in parts, and answers once the last of them has come. */
  async function upload(parts: readonly string[], last: string): Promise<UpstreamConnection> {
    const client = await openRawClient(proxy.port);
    for (const part of parts) {
      client.send(part);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const connection = await upstream.connection(0);
    await connection.waitFor(last);
    connection.send(answerWith('ok'));
    expect(parseAnswer(await client.waitForEnd()).body).toBe('ok');
    return connection;
  }
  const bodyOf = ({ received }: UpstreamConnection): string =>
    received.slice(received.indexOf('\r\n\r\n') + 4);

  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'GET'])(
    '[PX-20] of known length, of a %s, is that many bytes and no framing',
    async (method) => {
      const body = `${String.fromCharCode(...Array(256).keys())}\r\n\r\n0\r\n\r\n`.repeat(4) + 'the end';
      const head = proxy.request(`${method} ${proxy.pathOf('a')}/x`, [`Content-Length: ${body.length}`]);
      const connection = await upload([head, ...(body.match(/[^]{1,100}/g) ?? [])], 'the end');
      expect(bodyOf(connection)).toBe(body);
      expect(valuesOf(connection.received, 'content-length')).toEqual([String(body.length)]);
      expect(valuesOf(connection.received, 'transfer-encoding')).toEqual([]);
    },
  );

  it.each(['POST', 'DELETE', 'GET'])(
    '[PX-20, PX-24, PX-26] in chunks, of a %s, is the same bytes in chunks, without extensions and trailers',
    async (method) => {
      const head = proxy.request(`${method} ${proxy.pathOf('a')}/x`, ['Transfer-Encoding: chunked']);
      const connection = await upload(
        [
          head,
          '3;name=value;b="c"\r\nabc\r\n',
          '00a\r\n0\r\n\r\nGET /\r\n',
          '7\r\nthe end\r\n0;last\r\n',
          'Authorization: Bearer stolen\r\nHost: evil\r\nX-A: b\r\n\r\n',
        ],
        'the end',
      );
      // What was whole before it was sent on may have a length by then.
      const isChunked = valuesOf(connection.received, 'transfer-encoding').join() === 'chunked';
      const sent = isChunked
        ? decodeChunks(bodyOf(connection))
        : { data: bodyOf(connection), trailers: valuesOf(connection.received, 'content-length') };
      expect(sent).toEqual({ data: 'abc0\r\n\r\nGET /the end', trailers: isChunked ? [] : ['20'] });
      expect(connection.received).not.toMatch(/stolen|evil|X-A|name=value/);
    },
  );

  it('[PX-20, TH-42] of two requests on one connection of a client go each to its own', async () => {
    const client = await openRawClient(proxy.port);
    const post = (path: string, rest: string): string =>
      `POST ${proxy.pathOf('a')}${path} HTTP/1.1\r\nHost: ${proxy.host}\r\n${rest}`;
    upstream.answers.push(answerWith('first'), answerWith('second'));
    client.send(
      post('/1', 'Content-Length: 5\r\n\r\none\r\n') +
        post('/2', 'Transfer-Encoding: chunked\r\n\r\n3\r\ntwo\r\n0\r\n\r\n'),
    );
    const received = await client.waitFor('second');
    expect(received.match(/HTTP\/1\.1 200 OK[^]*?\r\n\r\n(first|second)/g)).toHaveLength(2);
    expect(received.indexOf('first')).toBeLessThan(received.indexOf('second'));
    const all = upstream.connections.map((each) => each.received).join('');
    await until('both', () => upstream.heads.length === 2);
    expect(upstream.heads.map((head) => head.split(' ')[1]).sort()).toEqual(['/1', '/2']);
    expect(all.match(/POST /g)).toHaveLength(2);
    client.socket.destroy();
  });
});

describe('[PX-24] Expect: 100-continue', () => {
  const upload = (path: string): string =>
    proxy.request(`POST ${path}/api/v1/namespaces`, ['Content-Length: 7', 'Expect: 100-continue']);

  it('is answered once, and only to who may', async () => {
    const users = await startUsers({
      users: { 'of-jane': person('jane'), 'of-joe': person('joe') },
      allows: ({ name }) => name === 'jane',
    });
    const request = (token: string): string =>
      users.proxy.request(`POST ${users.proxy.pathOf('a')}/api/v1/namespaces`, [
        'Content-Length: 7',
        'Expect: 100-continue',
        `Authorization: Bearer ${token}`,
      ]);
    for (const token of ['of-joe', 'of-nobody']) {
      const refused = await exchangeRaw(users.proxy.port, request(token));
      expect([401, 403, 404]).toContain(refused.status);
      expect(refused.headers).toContain('Connection: close');
    }
    expect(users.upstream.connections).toHaveLength(0);
    const client = await openRawClient(users.proxy.port);
    client.send(request('of-jane'));
    await client.waitFor('HTTP/1.1 100 Continue\r\n\r\n');
    client.send('the end');
    const connection = await users.upstream.connection(0);
    await connection.waitFor('the end');
    connection.send(answerWith('ok'));
    const received = await client.waitForEnd();
    expect(received.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 100', 'HTTP/1.1 200']);
    await users.close();
  });

  it('of a client that does not wait for it does no harm', async () => {
    upstream.answers.push(answerWith('ok'));
    const received = await (async () => {
      const client = await openRawClient(proxy.port);
      client.send(`${upload(proxy.pathOf('a'))}the end`);
      return await client.waitForEnd();
    })();
    expect(received.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 100', 'HTTP/1.1 200']);
    await (await upstream.connection(0)).waitFor('the end');
  });

  it('of a refused upload: nothing of a body that comes all the same reaches anybody', async () => {
    const client = await openRawClient(proxy.port);
    client.send(`${upload('/clusters/cluster-inventory-none')}the end`);
    const received = await client.waitForEnd();
    expect(received.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 404']);
    expect(upstream.connections).toHaveLength(0);
  });

  it('that asks for something else reaches no cluster', async () => {
    const { status } = await ask(`POST ${proxy.pathOf('a')}/x`, ['Content-Length: 0', 'Expect: 200-ok']);
    expect(status).toBe(417);
    expect(upstream.connections).toHaveLength(0);
  });

  it('that a cluster answers by itself is 502: it was not asked', async () => {
    upstream.answers.push(`HTTP/1.1 100 Continue\r\n\r\n${answerWith('ok')}`);
    const received = await (async () => {
      const client = await openRawClient(proxy.port);
      client.send(`${upload(proxy.pathOf('a'))}the end`);
      return await client.waitForEnd();
    })();
    expect(received.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 100', 'HTTP/1.1 502']);
  });
});

describe('an answer', () => {
  it('[PX-24] with interim ones in front is the last alone, whenever they come', async () => {
    const client = await openRawClient(proxy.port);
    client.send(proxy.request(`GET ${proxy.pathOf('a')}/x`));
    const connection = await upstream.connection(0);
    await connection.waitFor('\r\n\r\n');
    connection.send('HTTP/1.1 102 Processing\r\n\r\n');
    await new Promise((resolve) => setTimeout(resolve, 20));
    connection.send(
      'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 199 Odd\r\nSet-Cookie: a=b\r\n\r\n',
    );
    connection.send(answerWith('ok'));
    const received = await client.waitForEnd();
    expect(received).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nok$/);
    expect(received).not.toMatch(/Link|Set-Cookie|10[23]|199/);
  });

  it('[PX-10, PX-20] keeps order, repetition, letter case and bytes of its headers', async () => {
    upstream.answers.push(
      answerWith(
        'ok',
        '200 OK',
        'ETAG: "e"\r\nWarning: 299 - "a"\r\nx-a: 1\r\nwarning: 299 - "b"\r\nX-a: 2\r\nX-Empty:\r\n',
      ),
    );
    const { headers } = await ask(`GET ${proxy.pathOf('a')}/x`);
    expect(headers.filter((line) => /^(etag|warning|x-a|x-empty):/i.test(line))).toEqual([
      'ETAG: "e"',
      'Warning: 299 - "a"',
      'x-a: 1',
      'warning: 299 - "b"',
      'X-a: 2',
      'X-Empty: ',
    ]);
  });

  it('[PX-10, PX-20] keeps bytes beyond ASCII in its headers', async () => {
    upstream.answers.push(answerWith('ok', '200 OK', 'ETag: "\xe9\xff"\r\n'));
    const { headers } = await ask(`GET ${proxy.pathOf('a')}/x`);
    expect(headers).toContain('ETag: "\xe9\xff"');
  });

  it('[PX-15, PX-24] has none of what a cluster may not say in its trailers either', async () => {
    upstream.answers.push(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n' +
        'Set-Cookie: a=b\r\nX-Reload: reload\r\nX-Sum: 1\r\nConnection: close\r\n\r\n',
    );
    const { trailers } = decodeChunks((await ask(`GET ${proxy.pathOf('a')}/x`)).body);
    expect(trailers.map((line) => line.toLowerCase())).toEqual(['x-sum: 1']);
  });

  it('[PX-24] in chunks keeps repeated trailers behind its last byte', async () => {
    upstream.answers.push(
      'HTTP/1.1 200 OK\r\nTrailer: X-Sum, X-B\r\nTransfer-Encoding: chunked\r\n\r\n' +
        '1;x\r\na\r\n2\r\nbc\r\n0\r\nX-Sum: 1\r\nX-B: 2\r\n\r\n',
    );
    const { body } = await ask(`GET ${proxy.pathOf('a')}/x`);
    const { data, trailers } = decodeChunks(body);
    expect(data).toBe('abc');
    expect(trailers.map((line) => line.toLowerCase())).toEqual(['x-sum: 1', 'x-b: 2']);
  });

  it('[PX-20] in chunks to a client that knows none goes on to the close', async () => {
    upstream.answers.push(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: t\r\n\r\n',
    );
    const { headers, body, outcome } = await exchangeRaw(
      proxy.port,
      `GET ${proxy.pathOf('a')}/x HTTP/1.0\r\nHost: ${proxy.host}\r\n\r\n`,
    );
    expect(headers.join()).not.toMatch(/transfer-encoding/i);
    expect([body, outcome]).toEqual(['abc', 'end']);
  });

  it('[PX-20] of every byte in chunks of every size up to 64 KiB arrives whole', async () => {
    const bytes = String.fromCharCode(...Array(256).keys()).repeat(256);
    const sizes = [1, 2, 15, 16, 17, 255, 256, 4_095, 4_096, 16_384, 65_535, 65_536];
    const chunks = sizes.map((size) => bytes.slice(0, size));
    const inChunks = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('');
    upstream.answers.push(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${inChunks}0\r\n\r\n`);
    const { body } = await ask(`GET ${proxy.pathOf('a')}/x`);
    expect(decodeChunks(body).data === chunks.join('')).toBe(true);
  });

  it('[PX-24] without a body, each kind of it, leaves the client’s connection where the next one begins', async () => {
    const client = await openRawClient(proxy.port);
    const exchange = async (method: string, answer: string, index: number): Promise<string> => {
      const before = client.received.length;
      upstream.answers.push(answer);
      client.send(`${method} ${proxy.pathOf('a')}/${index} HTTP/1.1\r\nHost: ${proxy.host}\r\n\r\n`);
      await until('a head', () => client.received.slice(before).includes('\r\n\r\n'));
      return client.received.slice(before);
    };
    const cases = [
      [
        'HEAD',
        'HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n',
        /^HTTP\/1\.1 200[^]*content-length: 12345\r\n/i,
      ],
      ['HEAD', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', /^HTTP\/1\.1 200/],
      ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', /^HTTP\/1\.1 200[^]*content-length: 0\r\n/i],
      ['HEAD', 'HTTP/1.1 404 Not Found\r\nContent-Length: 10\r\n\r\n', /^HTTP\/1\.1 404/],
      ['GET', 'HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n', /^HTTP\/1\.1 204/],
      [
        'DELETE',
        'HTTP/1.1 204 No Content\r\nContent-Length: 12345\r\n\r\n',
        /^HTTP\/1\.1 204(?![^]*content-length)/i,
      ],
      [
        'GET',
        'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\nContent-Length: 12345\r\n\r\n',
        /^HTTP\/1\.1 304[^]*ETag: "1"\r\n/,
      ],
      ['GET', 'HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n', /^HTTP\/1\.1 304/],
      ['GET', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', /^HTTP\/1\.1 200[^]*content-length: 0\r\n/i],
    ] as const;
    for (const [index, [method, answer, wanted]] of cases.entries()) {
      const received = await exchange(method, answer, index);
      expect(received).toMatch(wanted);
      expect(received.match(/\r\n\r\n/g)).toHaveLength(1);
      expect(received).toMatch(/\r\n\r\n$/);
    }
    expect(await exchange('GET', answerWith('ok'), 99)).toMatch(/\r\n\r\nok$/);
    client.socket.destroy();
  });
});
