import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { SelfSignedPair } from './selfSignedPair.ts';

export interface ForwardProxyOptions {
  readonly kind: 'http' | 'https' | 'socks5';
  /** Of an https proxy. */
  readonly pair?: SelfSignedPair;
  /** Where everything leads, whatever is asked for. */
  readonly targetPort?: number;
  /** Who may use it; everybody without. */
  readonly user?: { readonly name: string; readonly password: string };
  /** Said instead once somebody asks to be led on, and nothing else done. */
  readonly answer?: Buffer | string;
  /** Said directly behind what opens the way. */
  readonly glued?: string;
  /** The first answer of a SOCKS proxy, to the methods that it is offered. */
  readonly methodAnswer?: Buffer;
  /** Bytes are sent one by one. */
  readonly isSlow?: boolean;
}

/** A proxy that leads on to API servers, of which a test sees what it is asked and what it carries. */
export interface ForwardProxy {
  readonly port: number;
  /** Heads of CONNECT requests; of a SOCKS proxy the host and port that it is asked for, `name:` or `address:` in front. */
  readonly asked: readonly string[];
  /** What it carried towards clusters, one character a byte. */
  readonly carried: string;
  /** Connections so far, and those that are open. */
  readonly opened: number;
  readonly open: number;
  close(): Promise<void>;
}

const established = 'HTTP/1.1 200 Connection established\r\nVia: 1.1 fake\r\n\r\n';
const socksSuccess = Buffer.from([5, 0, 0, 1, 127, 0, 0, 1, 0, 80]);

export async function startForwardProxy(options: ForwardProxyOptions): Promise<ForwardProxy> {
  const { kind, pair, targetPort, user, answer, glued = '', methodAnswer, isSlow = false } = options;
  const sockets = new Set<Socket>();
  const asked: string[] = [];
  let carried = '';
  let opened = 0;

  const send = (socket: Socket, data: Buffer | string): void => {
    const bytes = typeof data === 'string' ? Buffer.from(data, 'latin1') : data;
    const write = (at: number): void => {
      if (at >= bytes.length || socket.destroyed) return;
      socket.write(bytes.subarray(at, at + 1));
      setImmediate(write, at + 1);
    };
    if (isSlow) write(0);
    else socket.write(bytes);
  };

  const leadOn = (client: Socket, success: Buffer | string): void => {
    if (answer !== undefined) send(client, answer);
    if (answer !== undefined || targetPort === undefined) {
      client.resume();
      return;
    }
    const far = connect({ host: '127.0.0.1', port: targetPort }, () => {
      send(client, Buffer.concat([Buffer.from(success), Buffer.from(glued)]));
      client.on('data', (chunk: Buffer) => {
        carried += chunk.toString('latin1');
        far.write(chunk);
      });
      far.on('data', (chunk) => client.write(chunk));
    });
    sockets.add(far);
    for (const [one, other] of [
      [client, far],
      [far, client],
    ] as const) {
      one.on('error', () => undefined);
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
      one.on('end', () => other.end());
    }
  };

  const serveHttp = (client: Socket): void => {
    let head = '';
    const onData = (chunk: Buffer): void => {
      head += chunk.toString('latin1');
      if (!head.includes('\r\n\r\n')) return;
      client.off('data', onData);
      asked.push(head);
      const basic = user && Buffer.from(`${user.name}:${user.password}`).toString('base64');
      const given = /\r\nproxy-authorization: Basic ([^\r]*)\r\n/i.exec(head)?.[1];
      if (basic !== given)
        client.end('HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 4\r\n\r\nwho?');
      else leadOn(client, established);
    };
    client.on('data', onData);
  };

  const serveSocks = (client: Socket): void => {
    let received = Buffer.alloc(0);
    let step: () => number = greet;
    const onData = (chunk: Buffer): void => {
      received = Buffer.concat([received, chunk]);
      for (let used = step(); used > 0; used = received.length === 0 ? 0 : step())
        received = received.subarray(used);
    };
    client.on('data', onData);

    function greet(): number {
      const count = received[1] ?? Infinity;
      if (received.length < 2 + count) return 0;
      const wanted = user ? 2 : 0;
      const isOffered = received.subarray(2, 2 + count).includes(wanted);
      send(client, methodAnswer ?? Buffer.from([5, isOffered ? wanted : 0xff]));
      step = user && isOffered ? authenticate : connectTo;
      return 2 + count;
    }
    function authenticate(): number {
      const nameLength = received[1] ?? Infinity;
      const passwordLength = received[2 + nameLength] ?? Infinity;
      const length = 3 + nameLength + passwordLength;
      if (received.length < length) return 0;
      const name = received.subarray(2, 2 + nameLength).toString();
      const password = received.subarray(3 + nameLength, length).toString();
      send(client, Buffer.from([1, name === user?.name && password === user.password ? 0 : 1]));
      step = connectTo;
      return length;
    }
    function connectTo(): number {
      const type = received[3];
      const nameLength = type === 3 ? 1 + (received[4] ?? Infinity) : type === 1 ? 4 : 16;
      const length = 6 + nameLength;
      if (received.length < length) return 0;
      const host = received.subarray(4, 4 + nameLength);
      const port = received.readUInt16BE(4 + nameLength);
      const text = type === 3 ? `name:${host.subarray(1).toString()}` : `address:${host.toString('hex')}`;
      asked.push(`${text}:${port}`);
      client.off('data', onData);
      leadOn(client, socksSuccess);
      return length;
    }
  };

  const onClient = (client: Socket): void => {
    opened++;
    sockets.add(client);
    client.on('error', () => undefined);
    client.on('close', () => sockets.delete(client));
    client.on('end', () => client.end());
    if (kind === 'socks5') serveSocks(client);
    else serveHttp(client);
  };
  const below = new Set<Socket>();
  const server =
    kind === 'https' && pair
      ? createTlsServer({ cert: pair.certificate, key: pair.key, allowHalfOpen: true }, onClient)
      : createTcpServer({ allowHalfOpen: true }, onClient);
  server.on('connection', (socket: Socket) => {
    below.add(socket);
    socket.on('close', () => below.delete(socket));
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    get carried() {
      return carried;
    },
    get opened() {
      return opened;
    },
    get open() {
      return below.size;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        for (const socket of [...sockets, ...below]) socket.destroy();
      }),
  };
}
