import type { IncomingMessage } from 'node:http';
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
}

export function createOwnAddresses({
  isLoopback,
  port,
  allowedOrigins,
  trustedProxies,
}: OwnAddressesOptions): OwnAddresses {
  return {
    // Elsewhere a name is the ingress's affair; a foreign page has no session of ours (ID-04), and no token.
    isHostAllowed: (request) => !isLoopback || isHostAllowed(request, port()),
    ownOrigins(request) {
      if (allowedOrigins.length > 0) return allowedOrigins;
      const { headers, socket } = request;
      const isTrusted = trustedProxies.has(socket.remoteAddress);
      const forwarded = (name: 'x-forwarded-proto' | 'x-forwarded-host'): string | undefined =>
        isTrusted ? readFirst(headers[name]) : undefined;
      const scheme = forwarded('x-forwarded-proto') ?? (socket instanceof TLSSocket ? 'https' : 'http');
      const host = forwarded('x-forwarded-host') ?? headers.host ?? '';
      return [`${scheme}://${host}`.toLowerCase()];
    },
  };
}

/** The first of several values, as a chain of proxies leaves them: what the browser said. */
function readFirst(header: string | string[] | undefined): string | undefined {
  return [header ?? []].flat()[0]?.split(',', 1)[0]?.trim() || undefined;
}
