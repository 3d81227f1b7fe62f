import { isIP, type Socket } from 'node:net';
import type { ConnectionOptions, SecureContext } from 'node:tls';
import { CodedError } from '../foundation/errors.ts';
import { asConnectionError } from './connectErrors.ts';
import type { ClusterConnection } from './connection.ts';
import type { IncomingBytes } from './incomingBytes.ts';
import { openSocket, tlsFor } from './openSocket.ts';
import { openTunnel } from './proxyTunnel.ts';

export interface DialOptions {
  readonly secureContext: SecureContext | undefined;
  /** A TLS session to resume. */
  readonly session?: Buffer | undefined;
  readonly onSession?: (session: Buffer) => void;
  /** All of it together, the way through a proxy too, milliseconds (PX-25). */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Gets what comes, which the socket then does not tell. */
  readonly incoming?: IncomingBytes | undefined;
}

/**
 * A connection to a cluster's API server, through its proxy where it has one: a name resolved and checked here and
 * nowhere else (AC-25), TLS verified, HTTP/1.1 alone offered by ALPN (PX-30).
 * @throws CodedError of stage `connection` or `access`
 */
export async function dial(connection: ClusterConnection, options: DialOptions): Promise<Socket> {
  const { hostname, port, protocol, proxy } = connection;
  const attempt = new AbortController();
  let timeoutCode: 'proxy-timeout' | 'connect-timeout' = proxy ? 'proxy-timeout' : 'connect-timeout';
  const timer = setTimeout(() => {
    attempt.abort(new CodedError(timeoutCode));
  }, options.timeoutMs);
  const onAbort = (): void => {
    attempt.abort(options.signal?.reason);
  };
  options.signal?.addEventListener('abort', onAbort);
  if (options.signal?.aborted) onAbort();
  try {
    // A literal address is never looked up, so that the hook would not see it.
    if (isIP(hostname) !== 0 && !connection.isAddressAllowed(hostname))
      throw new CodedError('server-address-refused');
    const way = proxy
      ? { socket: await openTunnel(connection, proxy, attempt.signal) }
      : { host: hostname, port, guard: connection };
    timeoutCode = 'connect-timeout';
    const tls = protocol === 'https:' ? tlsOptions(connection, options) : undefined;
    return await openSocket(way, tls, attempt.signal, options);
  } catch (thrown) {
    throw asConnectionError(thrown);
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', onAbort);
  }
}

function tlsOptions(
  { hostname, tls }: ClusterConnection,
  { secureContext, session }: DialOptions,
): ConnectionOptions {
  return {
    ...tlsFor(tls.serverName ?? hostname),
    ...(secureContext === undefined ? {} : { secureContext }),
    ...(session === undefined ? {} : { session }),
    rejectUnauthorized: !tls.insecureSkipVerify,
  };
}
