import type { IncomingMessage } from 'node:http';
import { buildSessionCookies, readSessionToken } from './sessionCookie.ts';
import { decodeClaims } from './userInfo.ts';

/** The token that follows another; undefined where the issuer gives none. */
export type RefreshToken = (token: string) => Promise<string | undefined>;

export interface SessionRefreshOptions {
  clusterName: string;
  baseUrl: string;
  nowMs: () => number;
  refresh?: RefreshToken | undefined;
}

const REFRESH_BEFORE_MS = 10_000;

/**
 * `Set-Cookie` lines of a session that is about to end, renewed as Headlamp does it: before any route under
 * `/clusters/<its own>/`, set-token and sign-out included, whose own lines come behind; at each request anew, since an
 * old token remains good for that. The request itself goes on with the old token.
 */
export function createSessionRefresh({ clusterName, baseUrl, nowMs, refresh }: SessionRefreshOptions) {
  return async (request: IncomingMessage, cluster: string): Promise<string[]> => {
    const token = readSessionToken(request.headers.cookie, cluster);
    if (refresh === undefined || token === undefined || cluster !== clusterName) return [];
    const expiry = decodeClaims(token)?.['exp'];
    if (typeof expiry !== 'number' || expiry * 1_000 - nowMs() > REFRESH_BEFORE_MS) return [];
    const next = await refresh(token);
    return next === undefined ? [] : buildSessionCookies(request, cluster, next, baseUrl);
  };
}
