import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { TrustedProxies } from '../config/trustedProxies.ts';
import { isHostAllowed } from '../identity/checkHost.ts';

export interface OwnAddressesOptions {
  /** Whether only this machine is listened to. */
  readonly isLoopback: boolean;
  readonly port: () => number;
  /** Where given, these alone are the dashboard's own (ID-09). */
  readonly allowedOrigins: readonly string[];
  readonly trustedProxies: TrustedProxies;
}

/** Under which names the dashboard is served, and by which origins its pages are known. */
export interface OwnAddresses {
  isHostAllowed(request: IncomingMessage): boolean;
  ownOrigins(request: IncomingMessage): readonly string[];
  /** By which scheme the browser came: `http` or `https`. */
  schemeOf(request: IncomingMessage): string;
  /** Where a request came from: the last address that no trusted proxy vouches for (ID-30). */
  sourceAddress(request: IncomingMessage): string | undefined;
}

export function createOwnAddresses({
  isLoopback,
  port,
  allowedOrigins,
  trustedProxies,
}: OwnAddressesOptions): OwnAddresses {
  const forwarded = (
    { headers, socket }: IncomingMessage,
    name: 'x-forwarded-proto' | 'x-forwarded-host',
  ): string | undefined =>
    trustedProxies.has(socket.remoteAddress) ? readFirst(headers[name])?.toLowerCase() : undefined;
  const schemeOf = (request: IncomingMessage): string => {
    const said = forwarded(request, 'x-forwarded-proto');
    const own = request.socket instanceof TLSSocket ? 'https' : 'http';
    return said === 'https' || said === 'http' ? said : own;
  };
  return {
    // Elsewhere a name is the ingress's affair; a foreign page has no session of ours (ID-04), and no token.
    isHostAllowed: (request) => !isLoopback || isHostAllowed(request, port()),
    ownOrigins(request) {
      if (allowedOrigins.length > 0) return allowedOrigins;
      const host = forwarded(request, 'x-forwarded-host') ?? request.headers.host ?? '';
      return [`${schemeOf(request)}://${host.toLowerCase()}`];
    },
    schemeOf,
    sourceAddress({ headers, socket }) {
      let address = socket.remoteAddress;
      if (!trustedProxies.has(address)) return address;
      const hops = [headers['x-forwarded-for'] ?? []].flat().join(',').split(',');
      while (trustedProxies.has(address)) {
        const before = hops.pop()?.trim() ?? '';
        if (isIP(before) === 0) break;
        address = before;
      }
      return address;
    },
  };
}

/** The first of several values, as a chain of proxies leaves them: what the browser said. */
function readFirst(header: string | string[] | undefined): string | undefined {
  return [header ?? []].flat()[0]?.split(',', 1)[0]?.trim() || undefined;
}
