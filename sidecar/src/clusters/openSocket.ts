import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { checkServerIdentity, connect as connectTls, type ConnectionOptions } from 'node:tls';
import { awaitSocket } from './awaitSocket.ts';
import { checkedLookup } from './checkedLookup.ts';
import type { ClusterConnection } from './connection.ts';

const tcpKeepAliveMs = 15_000;

/** Where a socket leads: to a host by its name or address, or on from a socket that is open. */
export type Way =
  | {
      readonly host: string;
      readonly port: number;
      readonly guard: Pick<ClusterConnection, 'isAddressAllowed'>;
    }
  | { readonly socket: Socket };

/** A socket that is connected and, with options for TLS, verified. */
export async function openSocket(
  way: Way,
  tls: ConnectionOptions | undefined,
  signal: AbortSignal,
  onSession?: (session: Buffer) => void,
): Promise<Socket> {
  if ('socket' in way && tls === undefined) return way.socket;
  const socket = 'socket' in way ? connectTls({ ...tls, socket: way.socket }) : connectTo(way, tls);
  if ('socket' in way) {
    const { socket: below } = way;
    socket.once('close', () => below.destroy());
  }
  if (onSession) socket.on('session', onSession);
  let isOpen = false;
  const event = tls === undefined ? 'connect' : 'secureConnect';
  // Before it is waited for, so that it is known by then.
  socket.once(event, () => (isOpen = true));
  await awaitSocket(socket, event, () => isOpen || undefined, signal);
  return socket;
}

function connectTo(
  { host, port, guard }: Exclude<Way, { socket: Socket }>,
  tls: ConnectionOptions | undefined,
): Socket {
  const tcp = { host, port, lookup: checkedLookup(guard), autoSelectFamily: true };
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
