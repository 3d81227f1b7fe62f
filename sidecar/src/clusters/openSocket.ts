import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { checkServerIdentity, connect as connectTls, type ConnectionOptions } from 'node:tls';
import { awaitSocket } from './awaitSocket.ts';
import { checkedLookup } from './checkedLookup.ts';
import type { ClusterConnection } from './connection.ts';
import type { IncomingBytes } from './incomingBytes.ts';

const tcpKeepAliveMs = 15_000;

/** Where a socket leads: to a host by its name or address, or on from a socket that is open. */
export type Way =
  | {
      readonly host: string;
      readonly port: number;
      readonly guard: Pick<ClusterConnection, 'isAddressAllowed'>;
    }
  | { readonly socket: Socket };

export interface SocketUse {
  readonly onSession?: ((session: Buffer) => void) | undefined;
  /** Gets what comes, which the socket then tells nobody else. */
  readonly incoming?: IncomingBytes | undefined;
}

/** A socket that is connected and, with options for TLS, verified. */
export async function openSocket(
  way: Way,
  tls: ConnectionOptions | undefined,
  signal: AbortSignal,
  { onSession, incoming }: SocketUse = {},
): Promise<Socket> {
  const socket = 'socket' in way ? continueFrom(way.socket, tls, incoming) : connectTo(way, tls, incoming);
  if ('socket' in way && tls === undefined) return socket;
  if (onSession) socket.on('session', onSession);
  let isOpen = false;
  const event = tls === undefined ? 'connect' : 'secureConnect';
  // Before it is waited for, so that it is known by then.
  socket.once(event, () => (isOpen = true));
  await awaitSocket(socket, event, () => isOpen || undefined, signal);
  return socket;
}

/** Such a socket can only tell what comes. */
function continueFrom(
  below: Socket,
  tls: ConnectionOptions | undefined,
  incoming: IncomingBytes | undefined,
): Socket {
  const socket = tls === undefined ? below : connectTls({ ...tls, socket: below });
  if (socket !== below) socket.once('close', () => below.destroy());
  if (incoming)
    socket.on('data', (piece: Buffer) => {
      incoming.come(piece);
    });
  return socket;
}

function connectTo(
  { host, port, guard }: Exclude<Way, { socket: Socket }>,
  tls: ConnectionOptions | undefined,
  incoming: IncomingBytes | undefined,
): Socket {
  const tcp = {
    host,
    port,
    lookup: checkedLookup(guard),
    autoSelectFamily: true,
    ...(incoming && { onread: incoming.onread }),
  };
  const socket: Socket = tls === undefined ? connectTcp(tcp) : connectTls({ ...tcp, ...tls });
  socket.setNoDelay(true);
  socket.setKeepAlive(true, tcpKeepAliveMs);
  return socket;
}

/** Verification for a name or an address, and HTTP/1.1 alone by ALPN (PX-30). */
export function tlsFor(name: string): ConnectionOptions {
  return {
    // SNI carries names only; what is verified is the same name or address either way.
    ...(isIP(name) === 0 ? { servername: name } : {}),
    checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
    ALPNProtocols: ['http/1.1'],
  };
}
