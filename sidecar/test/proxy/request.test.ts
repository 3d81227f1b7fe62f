import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exchangeRaw, openRawClient, parseAnswer } from '../support/rawClient.ts';
import { answerWith, type RecordingUpstream, startRecordingUpstream } from '../support/recordingUpstream.ts';
import { clusterAt, type Proxy, startProxy } from '../support/startProxy.ts';

let upstream: RecordingUpstream;
let proxy: Proxy;

beforeEach(async () => {
  upstream = await startRecordingUpstream();
  proxy = await startProxy({
    clusters: { a: clusterAt(upstream), based: clusterAt(upstream, '/k8s/c1?agent=x') },
  });
});

afterEach(async () => {
  await proxy.close();
  await upstream.close();
});

const ask = (line: string, headers: readonly string[] = [], body = '') =>
  exchangeRaw(proxy.port, proxy.request(line, headers, body));

const upstreamLine = (): string | undefined => upstream.heads[0]?.split('\r\n')[0];

describe('what the cluster gets', () => {
  it('[PX-01, PX-10, PX-12] target and headers byte for byte, and nothing else', async () => {
    upstream.answers.push(answerWith('ok'));
    await ask(`GET ${proxy.pathOf('a')}/api//v1/a%2Fb%20c+d?x=1&x=2&y=%2F+`, [
      'aCCept: one',
      'Cookie: session=secret',
      'Authorization: Bearer of-the-hub',
      'X-Forwarded-User: jane',
      'Accept: two',
      'If-None-Match: "\xe9"',
    ]);
    expect(upstream.heads[0]?.replace(/[0-9a-f-]{36}/, '<uuid>').split('\r\n')).toEqual([
      'GET /api//v1/a%2Fb%20c+d?x=1&x=2&y=%2F+ HTTP/1.1',
      `Host: 127.0.0.1:${upstream.port}`,
      'aCCept: one',
      'Accept: two',
      'If-None-Match: "\xe9"',
      'Authorization: Bearer token-1',
      'Audit-ID: <uuid>',
      '',
      '',
    ]);
  });

  it('[PX-11, TH-02] the credential, whatever Connection names', async () => {
    upstream.answers.push(answerWith('ok'));
    await exchangeRaw(
      proxy.port,
      `GET ${proxy.pathOf('a')}/x HTTP/1.1\r\nHost: ${proxy.host}\r\n` +
        'Connection: close, Authorization, Host, Accept\r\nAccept: a\r\n\r\n',
    );
    expect(upstream.heads[0]).toContain('\r\nAuthorization: Bearer token-1\r\n');
    expect(upstream.heads[0]).toContain(`\r\nHost: 127.0.0.1:${upstream.port}\r\n`);
    expect(upstream.heads[0]).not.toContain('Accept');
  });

  it('[PX-03] base path and query of its server once', async () => {
    upstream.answers.push(answerWith('ok'));
    await ask(`GET ${proxy.pathOf('based')}/api?watch=0`);
    expect(upstreamLine()).toBe('GET /k8s/c1/api?agent=x&watch=0 HTTP/1.1');
  });

  it('[PX-27, TH-44] every header, however many there are', async () => {
    upstream.answers.push(answerWith('ok'));
    const headers = Array.from({ length: 2500 }, (_, index) => `If-A: ${index}`);
    expect((await ask(`GET ${proxy.pathOf('a')}/x`, headers)).status).toBe(200);
    expect(upstream.heads[0]?.split('\r\n').filter((line) => line.startsWith('If-A'))).toEqual(headers);
  });

  it('[PX-41] requests one after the other over one connection', async () => {
    upstream.answers.push(answerWith('1'), answerWith('2'));
    expect((await ask(`GET ${proxy.pathOf('a')}/1`)).body).toBe('1');
    expect((await ask(`GET ${proxy.pathOf('a')}/2`)).body).toBe('2');
    expect(upstream.connections).toHaveLength(1);
  });
});

describe('a body', () => {
  /** Each part once the one before it has arrived; the last one has `the end` in it. */
  const send = async (...parts: string[]): Promise<string> => {
    const client = await openRawClient(proxy.port);
    for (const part of parts) {
      client.send(part);
      await (await upstream.connection(0)).waitFor(/^\w+\r\n(.*)\r\n/.exec(part)?.[1] ?? 'HTTP/1.1');
    }
    const connection = await upstream.connection(0);
    await connection.waitFor('the end');
    connection.send(answerWith('ok'));
    expect(parseAnswer(await client.waitForEnd()).status).toBe(200);
    return connection.received;
  };
  const bodyOf = (received: string): string => received.slice(received.indexOf('\r\n\r\n') + 4);

  it('[PX-20] of known length stays so, and keeps its encoding', async () => {
    const body = 'bytes \x00\xff\r\n\r\nthe end';
    const head = proxy.request(`POST ${proxy.pathOf('a')}/x`, [
      `Content-Length: ${body.length}`,
      'Content-Encoding: gzip',
    ]);
    const received = await send(head + body);
    expect(received).toContain(`\r\nContent-Length: ${body.length}\r\n`);
    expect(received).toContain('\r\nContent-Encoding: gzip\r\n');
    expect(received).not.toContain('chunked');
    expect(bodyOf(received)).toBe(body);
  });

  it('[PX-20, PX-24] of unknown length goes in chunks as it comes; its trailers do not', async () => {
    const head = proxy.request(`PATCH ${proxy.pathOf('a')}/x`, ['Transfer-Encoding: chunked']);
    const received = await send(
      `${head}4;ext=1\r\nfrom\r\n`,
      '4\r\nthen\r\n',
      '7\r\nthe end\r\n0\r\nX-Trailer: x\r\n\r\n',
    );
    expect(received).toContain('\r\nTransfer-Encoding: chunked\r\n');
    expect(received).not.toMatch(/content-length/i);
    expect(bodyOf(received)).toBe('4\r\nfrom\r\n4\r\nthen\r\n7\r\nthe end\r\n0\r\n\r\n');
  });

  it('[PX-26, TH-42] in chunks of a DELETE is one request, whatever is in it', async () => {
    const inner = 'DELETE /b HTTP/1.1\r\nHost: x\r\n\r\n';
    const head = proxy.request(`DELETE ${proxy.pathOf('a')}/x`, ['Transfer-Encoding: chunked']);
    const chunk = `${inner.length.toString(16)}\r\n${inner}\r\n`;
    const received = await send(`${head}${chunk}`, '7\r\nthe end\r\n0\r\n\r\n');
    expect(received).toContain('\r\nTransfer-Encoding: chunked\r\n');
    expect(bodyOf(received)).toBe(`${chunk}7\r\nthe end\r\n0\r\n\r\n`);
  });

  it('[PX-23] that its client breaks off never ends cleanly upstream', async () => {
    const client = await openRawClient(proxy.port);
    client.send(
      `${proxy.request(`POST ${proxy.pathOf('a')}/x`, ['Transfer-Encoding: chunked'])}4\r\npart\r\n`,
    );
    const connection = await upstream.connection(0);
    await connection.waitFor('part');
    client.socket.resetAndDestroy();
    await connection.waitForClose();
    expect(connection.received).not.toContain('\r\n0\r\n');
  });

  it('[PX-24] is asked for only once the cluster is known; Expect is not sent on', async () => {
    const client = await openRawClient(proxy.port);
    client.send(proxy.request(`POST ${proxy.pathOf('a')}/x`, ['Content-Length: 7', 'Expect: 100-continue']));
    await client.waitFor('HTTP/1.1 100 Continue\r\n\r\n');
    client.send('the end');
    const connection = await upstream.connection(0);
    await connection.waitFor('the end');
    expect(connection.received).not.toMatch(/expect/i);
    connection.send(answerWith('ok'));
    expect(await client.waitForEnd()).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 OK\r\n/);
  });

  it('[PX-24] is not asked for where the request is refused', async () => {
    const answer = await ask('POST /clusters/cluster-inventory-none/x', [
      'Content-Length: 7',
      'Expect: 100-continue',
    ]);
    expect(answer.status).toBe(404);
    expect(answer.headers).toContain('Connection: close');
  });

  it('[PX-40] for a cluster that cannot be reached is answered with a Status', async () => {
    await upstream.close();
    const client = await openRawClient(proxy.port);
    client.send(`${proxy.request(`POST ${proxy.pathOf('a')}/x`, ['Content-Length: 7'])}the`);
    const { status, headers } = parseAnswer(await client.waitForEnd(), client.outcome);
    expect(status).toBe(502);
    expect(headers).toContain('X-Cluster-Inventory-Error: connection-refused');
  });

  it('[PX-20] that is answered before its end: the answer arrives whole', async () => {
    const client = await openRawClient(proxy.port);
    client.send(`${proxy.request(`POST ${proxy.pathOf('a')}/x`, ['Content-Length: 7'])}the`);
    const connection = await upstream.connection(0);
    await connection.waitFor('the');
    connection.send(answerWith('too large', '413 Payload Too Large'));
    const { status, body } = parseAnswer(await client.waitForEnd(), client.outcome);
    expect([status, body]).toEqual([413, 'too large']);
  });

  it('[PX-24] is asked for on behalf of the dashboard too', async () => {
    const client = await openRawClient(proxy.port);
    client.send(proxy.request('POST /x', ['Content-Length: 7', 'Expect: 100-continue']));
    await client.waitFor('HTTP/1.1 100 Continue\r\n\r\n');
    client.send('the end');
    expect(await client.waitForEnd()).toMatch(/dashboard$/);
  });
});

describe('an answer', () => {
  const answered = async (answer: string, line = `GET ${proxy.pathOf('a')}/x`) => {
    upstream.answers.push(answer);
    return await ask(line);
  };

  it.each(['text/html', 'image/svg+xml', 'application/xml', 'text/javascript'])(
    '[PX-16, TH-13, TH-48] of a rogue cluster is inert: %s',
    async (type) => {
      const rogue = [
        `Content-Type: ${type}`,
        'Set-Cookie: headlamp-auth-main.0=stolen; Path=/',
        'X-Reload: reload',
        'WWW-Authenticate: Basic realm="your password"',
        'Link: </evil.js>; rel=preload',
        'Refresh: 0; url=https://evil.example/',
        'Service-Worker-Allowed: /',
        'Clear-Site-Data: "*"',
        'Access-Control-Allow-Origin: *',
        'Content-Security-Policy: default-src *',
      ];
      upstream.answers.push(answerWith('<script>alert(1)</script>', '200 OK', `${rogue.join('\r\n')}\r\n`));
      const { headers } = await ask(`GET ${proxy.pathOf('a')}/x`);
      const names = headers.map((line) => line.split(':', 1)[0]?.toLowerCase());
      for (const name of rogue.slice(1, -1).map((line) => line.split(':', 1)[0]?.toLowerCase()))
        expect(names).not.toContain(name);
      expect(headers.filter((line) => /^content-security-policy:/i.test(line))).toEqual([
        "Content-Security-Policy: default-src 'none'; sandbox",
      ]);
      expect(headers).toContain('X-Content-Type-Options: nosniff');
    },
  );

  it('[PX-15, PX-16, PX-20] byte for byte, less what a cluster may not say', async () => {
    const { status, headers, body } = await answered(
      'HTTP/1.1 299 Very Fine\r\nContent-Length: 4\r\nX-A: 1\r\nSet-Cookie: a=b\r\nX-Reload: reload\r\n' +
        'x-a: 2\r\nContent-Encoding: gzip\r\nDate: today\r\nKeep-Alive: timeout=5\r\n\r\n\x1f\x8b\x00\xff',
    );
    expect([status, body]).toEqual([299, '\x1f\x8b\x00\xff']);
    expect(headers).toEqual([
      'Content-Length: 4',
      'X-A: 1',
      'x-a: 2',
      'Content-Encoding: gzip',
      'Date: today',
      'Cache-Control: no-store',
      'X-Content-Type-Options: nosniff',
      "Content-Security-Policy: default-src 'none'; sandbox",
      'Connection: close',
    ]);
  });

  it('[PX-24] in chunks, with its trailers', async () => {
    const { headers, body } = await answered(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-trailer: t\r\n\r\n',
    );
    expect(headers).toContain('Transfer-Encoding: chunked');
    expect(body).toBe('3\r\nabc\r\n0\r\nx-trailer: t\r\n\r\n');
  });

  it('[PX-24] to HEAD has the length and no body', async () => {
    const { headers, body } = await answered(
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n',
      `HEAD ${proxy.pathOf('a')}/x`,
    );
    expect(upstreamLine()).toBe('HEAD /x HTTP/1.1');
    expect(headers).toContain('Content-Length: 5');
    expect(body).toBe('');
  });

  it.each(['204 No Content', '304 Not Modified'])('[PX-17, PX-24] %s has no body', async (line) => {
    const { status, headers, body } = await answered(`HTTP/1.1 ${line}\r\nETag: "1"\r\n\r\n`);
    expect(status).toBe(parseInt(line));
    expect(headers).toContain('ETag: "1"');
    expect(headers.join()).not.toMatch(/transfer-encoding|content-length/i);
    expect(body).toBe('');
  });

  it('[PX-17] that redirects out of the cluster is 502 and not followed', async () => {
    const { status, headers } = await answered(
      'HTTP/1.1 307 Moved\r\nLocation: https://127.0.0.1:1/x\r\nContent-Length: 0\r\n\r\n',
    );
    expect(status).toBe(502);
    expect(headers).toContain('X-Cluster-Inventory-Error: redirect-refused');
    expect(headers.join()).not.toContain('Location');
  });

  it('[PX-17] that redirects inside its base path leads back under the cluster', async () => {
    const { headers } = await answered(
      'HTTP/1.1 302 Found\r\nLocation: /k8s/c1/other?x\r\nContent-Length: 0\r\n\r\n',
      `GET ${proxy.pathOf('based')}/x`,
    );
    expect(headers).toContain(`Location: ${proxy.pathOf('based')}/other?x`);
    expect(upstream.heads).toHaveLength(1);
  });

  it('[PX-24] after an early hint is the only one', async () => {
    const { status, headers } = await answered(
      `HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n${answerWith('ok')}`,
    );
    expect(status).toBe(200);
    expect(headers.join()).not.toContain('Link');
  });

  it.each(['HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n'])(
    '[PX-24] %j that nobody asked for is 502',
    async (unasked) => {
      expect((await answered(unasked)).status).toBe(502);
    },
  );

  it.each(['O\x01K', 'O\xffK', 'O\tK'])('[PX-42] with the reason %j does no harm', async (reason) => {
    const { status, body } = await answered(`HTTP/1.1 200 ${reason}\r\nContent-Length: 2\r\n\r\nok`);
    expect([status, body]).toEqual([200, 'ok']);
  });

  it('[TH-41] with two framings is none', async () => {
    const { status } = await answered(
      'HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    );
    expect(status).toBe(502);
  });

  it('[PX-20] that ends with its connection has an end', async () => {
    const client = await openRawClient(proxy.port);
    client.send(proxy.request(`GET ${proxy.pathOf('a')}/x`));
    const connection = await upstream.connection(0);
    await connection.waitFor('\r\n\r\n');
    connection.send('HTTP/1.1 200 OK\r\n\r\nall');
    connection.socket.end();
    expect(parseAnswer(await client.waitForEnd()).body).toBe('3\r\nall\r\n0\r\n\r\n');
  });

  it.each(['nonsense\r\n\r\n', 'HTTP/1.1 200 OK\r\nA: b\n c\r\n: x\r\n\r\n'])(
    '[FA-30] %j is 502 response-invalid',
    async (nonsense) => {
      const { status, headers } = await answered(nonsense);
      expect([status, ...headers]).toEqual(
        expect.arrayContaining([502, 'X-Cluster-Inventory-Error: response-invalid']),
      );
    },
  );

  it('[TH-45] with headers without end is 502, and its connection is dropped', async () => {
    const { status, headers } = await answered(`HTTP/1.1 200 OK\r\nX-A: ${'a'.repeat(70_000)}`);
    expect(status).toBe(502);
    expect(headers).toContain('X-Cluster-Inventory-Error: response-invalid');
    await (await upstream.connection(0)).waitForClose();
  });
});
