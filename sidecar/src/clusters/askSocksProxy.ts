import { isIP, type Socket } from 'node:net';
import { CodedError, type ErrorCode } from '../foundation/errors.ts';
import { addressBytes } from './addressBytes.ts';
import { awaitSocket } from './awaitSocket.ts';
import type { ClusterConnection, ClusterProxy } from './connection.ts';

const version = 5;
const authVersion = 1;
const methods = { none: 0, password: 2, noneAcceptable: 0xff } as const;
const addressTypes = { ipv4: 1, name: 3, ipv6: 4 } as const;
const maxNameBytes = 255;

/** The replies of RFC 1928 other than success. */
const replies: Readonly<Record<number, readonly [ErrorCode, string?]>> = {
  1: ['proxy-refused', 'The proxy failed to lead to the API server'],
  2: ['proxy-refused', 'The rules of the proxy do not allow the API server'],
  3: ['proxy-target-unreachable', 'The proxy has no way to the network of the API server'],
  4: ['proxy-target-unreachable', 'The proxy cannot find or reach the host of the API server'],
  5: ['proxy-target-unreachable', 'The API server refuses connections of the proxy'],
  6: ['proxy-target-unreachable', 'The way from the proxy to the API server is too long'],
  7: ['proxy-refused', 'The proxy does not open connections'],
  8: ['proxy-refused', 'The proxy does not know this kind of address'],
};

/**
 * Has a SOCKS proxy lead the socket on to a cluster (RFC 1928, RFC 1929). It gets the name, as it gets it from client-go,
 * and resolves it itself.
 */
export async function askSocksProxy(
  socket: Socket,
  { hostname, port }: ClusterConnection,
  { credentials }: ClusterProxy,
  signal: AbortSignal,
): Promise<void> {
  const read = (count: number): Promise<Buffer> => readExactly(socket, count, signal);
  const offered = credentials ? [methods.none, methods.password] : [methods.none];
  const target = targetBytes(hostname);

  socket.write(Uint8Array.of(version, offered.length, ...offered));
  const [chosenVersion, method] = await read(2);
  assertAnswer(chosenVersion === version);
  if (method === methods.noneAcceptable) throw new CodedError('proxy-auth-required');
  assertAnswer(offered.some((each) => each === method));

  if (credentials && method === methods.password) {
    const [username, password] = [Buffer.from(credentials.username), Buffer.from(credentials.password)];
    socket.write(Uint8Array.of(authVersion, username.length, ...username, password.length, ...password));
    const [answeredVersion, outcome] = await read(2);
    assertAnswer(answeredVersion === authVersion);
    if (outcome !== 0) throw new CodedError('proxy-auth-required');
  }

  const connectCommand = 1;
  socket.write(Uint8Array.of(version, connectCommand, 0, ...target, port >> 8, port & 0xff));
  const [replyVersion, reply = -1] = await read(2);
  assertAnswer(replyVersion === version);
  if (reply !== 0) {
    const [code, message] = replies[reply] ?? ['proxy-answer-invalid'];
    throw new CodedError(code, message);
  }
  const [reserved, type] = await read(2);
  assertAnswer(reserved === 0);
  // Where the proxy itself goes out, which is of no use here, and a port.
  await read((await boundAddressLength(type, read)) + 2);
  // API servers never speak first: what came along is not the cluster's.
  assertAnswer(socket.readableLength === 0);
}

async function boundAddressLength(
  type: number | undefined,
  read: (count: number) => Promise<Buffer>,
): Promise<number> {
  if (type === addressTypes.ipv4) return 4;
  if (type === addressTypes.ipv6) return 16;
  assertAnswer(type === addressTypes.name);
  const [length = 0] = await read(1);
  return length;
}

function targetBytes(hostname: string): readonly number[] {
  const family = isIP(hostname);
  if (family !== 0) return [family === 4 ? addressTypes.ipv4 : addressTypes.ipv6, ...addressBytes(hostname)];
  const name = Buffer.from(hostname);
  if (name.length > maxNameBytes) throw new CodedError('name-not-found');
  return [addressTypes.name, name.length, ...name];
}

function readExactly(socket: Socket, count: number, signal: AbortSignal): Promise<Buffer> {
  return awaitSocket(
    socket,
    'readable',
    () => {
      const chunk = socket.read(count) as Buffer | null;
      // At the end of a stream it gives what there is.
      assertAnswer(chunk === null || chunk.length === count);
      return chunk ?? undefined;
    },
    signal,
  );
}

function assertAnswer(isRight: boolean): asserts isRight {
  if (!isRight) throw new CodedError('proxy-answer-invalid');
}
