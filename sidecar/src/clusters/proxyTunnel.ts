import { isIP, type Socket } from 'node:net';
import { CodedError, type ErrorCode } from '../foundation/errors.ts';
import { askHttpProxy } from './askHttpProxy.ts';
import { askSocksProxy } from './askSocksProxy.ts';
import { asConnectionError } from './connectErrors.ts';
import type { ClusterConnection, ClusterProxy } from './connection.ts';
import { openSocket, tlsFor } from './openSocket.ts';
import { proxyContextOf } from './trust.ts';

/**
 * A socket that a cluster's proxy leads on to its API server (AC-20). The proxy's own address is checked as a cluster's
 * is (AC-25); what a name is for the proxy, the proxy alone knows.
 * @throws CodedError of stage `connection` or `access`, or the reason of the signal
 */
export async function openTunnel(
  connection: ClusterConnection,
  proxy: ClusterProxy,
  signal: AbortSignal,
): Promise<Socket> {
  let socket: Socket | undefined;
  try {
    socket = await reachProxy(connection, proxy, signal);
    // Whoever waits for it at the time is told; nobody does between one step and the next.
    socket.on('error', () => undefined);
    const ask = proxy.protocol === 'socks5:' ? askSocksProxy : askHttpProxy;
    await ask(socket, connection, proxy, signal);
    return socket;
  } catch (thrown) {
    socket?.destroy();
    throw signal.aborted ? signal.reason : asProxyError(thrown);
  }
}

async function reachProxy(
  connection: ClusterConnection,
  { protocol, hostname, port }: ClusterProxy,
  signal: AbortSignal,
): Promise<Socket> {
  if (isIP(hostname) !== 0 && !connection.isAddressAllowed(hostname))
    throw new CodedError('proxy-address-refused');
  const tls =
    protocol === 'https:'
      ? { ...tlsFor(hostname), secureContext: proxyContextOf(connection), rejectUnauthorized: true }
      : undefined;
  return openSocket({ host: hostname, port, guard: connection }, tls, signal);
}

/** Errors of a connection are the proxy's as long as nothing else was spoken to. */
const proxyCodes: Partial<Record<ErrorCode, ErrorCode>> = {
  'server-address-refused': 'proxy-address-refused',
  'name-not-found': 'proxy-unreachable',
  'connection-refused': 'proxy-unreachable',
  'connection-reset': 'proxy-unreachable',
  'connection-failed': 'proxy-unreachable',
  'connect-timeout': 'proxy-timeout',
  'tls-untrusted': 'proxy-tls-failed',
  'tls-name-mismatch': 'proxy-tls-failed',
  'tls-expired': 'proxy-tls-failed',
  'tls-failed': 'proxy-tls-failed',
  'http2-only': 'proxy-tls-failed',
};

function asProxyError(thrown: unknown): CodedError {
  const error = asConnectionError(thrown);
  const code = proxyCodes[error.code];
  return code === undefined ? error : new CodedError(code, undefined, { cause: thrown });
}
