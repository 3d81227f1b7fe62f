import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { IncomingBytes } from '../../src/clusters/incomingBytes.ts';
import { GatheredBody } from '../../src/proxy/gatheredBody.ts';
import { decodeChunks, exchangeRaw, openRawClient, parseAnswer } from '../support/rawClient.ts';
import { answerWith, type RecordingUpstream, startRecordingUpstream } from '../support/recordingUpstream.ts';
import { createSelfSignedPair } from '../support/selfSignedPair.ts';
import { clusterAt, type Proxy, startProxy } from '../support/startProxy.ts';
import { createServer, type ServerResponse } from 'node:http';
import {
  type AddressInfo,
  connect as connectTcp,
  createServer as createTcpServer,
  type LookupFunction,
  type Socket,
} from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { until } from '../support/until.ts';

/** What comes from all clusters is read into the same memory, and goes to all clients from memory that they share. */
describe.each(['http', 'https'] as const)(
  '[PX-22, PX-42] bytes of many clusters for clients over %s',
  (scheme) => {
    const upstreams: RecordingUpstream[] = [];
    let proxy: Proxy;
    beforeEach(async () => {
      upstreams.push(await startRecordingUpstream(), await startRecordingUpstream());
      const [a, b] = upstreams;
      if (!a || !b) throw new Error('not there');
      const clusters = { a: clusterAt(a), b: clusterAt(b) };
      proxy = await startProxy({ clusters, ...(scheme === 'https' ? { pair: createSelfSignedPair() } : {}) });
    });
    afterEach(async () => {
      await proxy.close();
      await Promise.all(upstreams.splice(0).map((upstream) => upstream.close()));
    });

    it('are each one’s own, where one stopped reading in the middle and the others go on', async () => {
      const [a, b] = upstreams;
      if (!a || !b) throw new Error('not there');
      const size = 24 * 1024 * 1024;
      const slow = await openRawClient(proxy.port, scheme);
      slow.socket.pause();
      slow.send(proxy.request(`GET ${proxy.pathOf('a')}/x`));
      const { socket } = await a.connection(0);
      await until('it is asked', () => a.heads.length === 1);
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
      socket.write(Buffer.alloc(size, 'a'));
      let left = 0;
      await until('it is held up', async () => {
        const before = left;
        left = socket.writableLength;
        await wait(50);
        return left > 0 && left === before;
      });
      for (let other = 0; other < 5; other++) {
        b.answers.push(answerWith('b'.repeat(1024 * 1024)));
        const answered = await exchangeRaw(proxy.port, proxy.request(`GET ${proxy.pathOf('b')}/x`), scheme);
        expect(answered.body.replaceAll('b', '').length).toBe(0);
      }
      slow.socket.resume();
      const { body } = parseAnswer(await slow.waitForEnd());
      slow.socket.destroy();
      expect([body.length, body.replaceAll('a', '').length]).toEqual([size, 0]);
    });

    it('take no memory of their own, where they are taken as they come', async () => {
      const [a] = upstreams;
      if (!a) throw new Error('not there');
      const client = await openRawClient(proxy.port, scheme);
      const allocate = vi.spyOn(Buffer, 'allocUnsafeSlow');
      const body = 'z'.repeat(2000);
      for (let count = 1; count <= 100; count++) {
        a.answers.push(answerWith(body));
        client.send(`GET ${proxy.pathOf('a')}/x HTTP/1.1\r\nHost: ${proxy.host}\r\n\r\n`);
        await until('it is answered', () => client.received.split(body).length === count + 1);
      }
      const made = allocate.mock.calls.filter(([bytes]) => bytes >= 8192);
      allocate.mockRestore();
      client.socket.destroy();
      expect(made.length).toBeLessThan(10);
    });

    it('are whole where they were cut into heads, sizes and trailers at any place', async () => {
      const answer = (mark: string) =>
        `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Mark: ${mark}\r\n\r\n10\r\n${mark.repeat(16)}\r\n1\r\n${mark}\r\n0\r\n\r\n`;
      const [a, b] = upstreams;
      if (!a || !b) throw new Error('not there');
      const clients = await Promise.all([
        openRawClient(proxy.port, scheme),
        openRawClient(proxy.port, scheme),
      ]);
      clients[0].send(proxy.request(`GET ${proxy.pathOf('a')}/x`));
      clients[1].send(proxy.request(`GET ${proxy.pathOf('b')}/x`));
      const connections = [await a.connection(0), await b.connection(0)] as const;
      await until('both are asked', () => a.heads.length === 1 && b.heads.length === 1);
      // In turns, so that what one has begun lies where the other's is read.
      const texts = [answer('a'), answer('b')] as const;
      for (let at = 0; at < texts[0].length; at += 3) {
        connections[0].send(texts[0].slice(at, at + 3));
        await wait(2);
        connections[1].send(texts[1].slice(at, at + 3));
        await wait(2);
      }
      for (const [index, mark] of ['a', 'b'].entries()) {
        const got = parseAnswer((await clients[index]?.waitForEnd()) ?? '');
        expect(got.headers).toContain(`X-Mark: ${mark}`);
        expect(decodeChunks(got.body).data).toBe(mark.repeat(17));
      }
      for (const { socket } of clients) socket.destroy();
    });
  },
);

it.each(['tls', 'tcp'] as const)(
  '[PX-42] what comes over %s by the second address of a name, since the first refuses, is its own',
  async (kind) => {
    const pair = createSelfSignedPair();
    const greet = (socket: Socket) => socket.end('from the second');
    const server =
      kind === 'tls'
        ? createTlsServer({ cert: pair.certificate, key: pair.key }, greet)
        : createTcpServer(greet);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const incoming = new IncomingBytes();
    let got = '';
    incoming.takeBy((piece) => (got += piece.toString()));
    const options = {
      host: 'cluster.example',
      port,
      autoSelectFamily: true,
      lookup: ((_name, _options, answer) => {
        answer(null, [
          { address: '127.0.0.9', family: 4 },
          { address: '127.0.0.1', family: 4 },
        ]);
      }) satisfies LookupFunction,
      onread: incoming.onread,
    };
    const socket =
      kind === 'tls' ? connectTls({ ...options, rejectUnauthorized: false }) : connectTcp(options);
    await new Promise((resolve) => socket.once('close', resolve));
    expect([socket.autoSelectFamilyAttemptedAddresses, got]).toEqual([
      [`127.0.0.9:${port}`, `127.0.0.1:${port}`],
      'from the second',
    ]);
    await new Promise((resolve) => server.close(resolve));
  },
);

it('[PX-22] a stream whose reader stopped keeps what waits, and not the memory it was gathered in', async () => {
  const responses: ServerResponse[] = [];
  const server = createServer((_request, response) => responses.push(response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = await openRawClient((server.address() as AddressInfo).port);
  try {
    client.socket.pause();
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await until('it is asked', () => responses.length === 1);
    const [response] = responses;
    if (!response) throw new Error('not there');
    response.writeHead(200);
    const body = new GatheredBody(response);
    // Until the systems at both ends take no more.
    for (const rest = Buffer.alloc(1024 * 1024); body.add(rest);) body.release();
    const before = process.memoryUsage().arrayBuffers;
    for (let event = 0; event < 200; event++) {
      body.add(Buffer.alloc(100));
      body.flush();
      body.release();
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1024 * 1024);
  } finally {
    client.socket.destroy();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});
