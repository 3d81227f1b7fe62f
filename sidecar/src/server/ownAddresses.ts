import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { isHostAllowed } from '../identity/checkHost.ts';

export interface OwnAddressesOptions {
  /** Whether only this machine is listened to. */
  readonly isLoopback: boolean;
  readonly port: () => number;
  /** Where given, these alone are the dashboard's own (ID-09). */
  readonly allowedOrigins: readonly string[];
}

/** Under which names the dashboard is served, and by which origins its pages are known. */
export interface OwnAddresses {
  isHostAllowed(request: IncomingMessage): boolean;
  ownOrigins(request: IncomingMessage): readonly string[];
}

export function createOwnAddresses({ isLoopback, port, allowedOrigins }: OwnAddressesOptions): OwnAddresses {
  return {
    // Elsewhere a name is the ingress's affair; a foreign page has no session of ours (ID-04), and no token.
    isHostAllowed: (request) => !isLoopback || isHostAllowed(request, port()),
    ownOrigins(request) {
      if (allowedOrigins.length > 0) return allowedOrigins;
      const scheme = request.socket instanceof TLSSocket ? 'https' : 'http';
      return [`${scheme}://${(request.headers.host ?? '').toLowerCase()}`];
    },
  };
}
