import { lookup as lookupName, type LookupAddress } from 'node:dns';
import { connect as connectTcp, isIP, type LookupFunction, type Socket } from 'node:net';
import {
  checkServerIdentity,
  connect as connectTls,
  type ConnectionOptions,
  type SecureContext,
} from 'node:tls';
import { CodedError } from '../foundation/errors.ts';
import { asConnectionError } from './connectErrors.ts';
import type { ClusterConnection } from './connection.ts';

export interface DialOptions {
  readonly secureContext: SecureContext | undefined;
  /** A TLS session to resume. */
  readonly session?: Buffer | undefined;
  readonly onSession?: (session: Buffer) => void;
  /** TCP and TLS together, milliseconds (PX-25). */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

const tcpKeepAliveMs = 15_000;

/**
 * A connection to a cluster's API server: the name resolved and checked here and nowhere else (AC-25), TLS verified,
 * HTTP/1.1 alone offered by ALPN (PX-30).
 * @throws CodedError of stage `connection` or `access`
 */
export function dial(connection: ClusterConnection, options: DialOptions): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = connection;
    // A literal address is never looked up, so that the hook would not see it.
    if (isIP(hostname) !== 0 && !connection.isAddressAllowed(hostname)) {
      reject(new CodedError('server-address-refused'));
      return;
    }
    const isTls = connection.protocol === 'https:';
    const tcp = { host: hostname, port, lookup: checkedLookup(connection), autoSelectFamily: true };
    const socket: Socket = isTls
      ? connectTls({ ...tcp, ...tlsOptions(connection, options) })
      : connectTcp(tcp);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, tcpKeepAliveMs);
    const timer = setTimeout(() => {
      fail(new CodedError('connect-timeout'));
    }, options.timeoutMs);
    const settle = (): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', onAbort);
      socket.off('error', fail);
      socket.off('close', onClose);
    };
    const fail = (thrown: unknown): void => {
      settle();
      // What still happens to it is nobody's.
      socket.on('error', () => undefined);
      socket.destroy();
      reject(asConnectionError(thrown));
    };
    const onClose = (): void => {
      fail(new CodedError('connection-reset'));
    };
    const onAbort = (): void => {
      fail(options.signal?.reason ?? new CodedError('connection-reset'));
    };
    options.signal?.addEventListener('abort', onAbort, { once: true });
    socket.once('error', fail);
    socket.once('close', onClose);
    if (options.onSession) socket.on('session', options.onSession);
    socket.once(isTls ? 'secureConnect' : 'connect', () => {
      settle();
      resolve(socket);
    });
    if (options.signal?.aborted) onAbort();
  });
}

function tlsOptions(
  { hostname, tls }: ClusterConnection,
  { secureContext, session }: DialOptions,
): ConnectionOptions {
  const name = tls.serverName ?? hostname;
  return {
    ...(secureContext === undefined ? {} : { secureContext }),
    ...(session === undefined ? {} : { session }),
    // SNI carries names only; what is verified is the same name or address either way.
    ...(isIP(name) === 0 ? { servername: name } : {}),
    checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
    ALPNProtocols: ['http/1.1'],
    rejectUnauthorized: !tls.insecureSkipVerify,
  };
}

/** Looks a name up and gives only addresses that may be dialled: the address that was checked is the one dialled. */
function checkedLookup({ isAddressAllowed }: ClusterConnection): LookupFunction {
  return (hostname, options, callback) => {
    lookupName(hostname, { ...options, all: true }, (error, found: LookupAddress[]) => {
      if (error) {
        callback(error, []);
        return;
      }
      const allowed = found.filter(({ address }) => isAddressAllowed(address));
      const [first] = allowed;
      if (!first) callback(new CodedError('server-address-refused'), []);
      else if (options.all) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}
