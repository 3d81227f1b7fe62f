import type { IncomingMessage } from 'node:http';

const CHUNK_BYTES = 3_800;
const MAX_AGE_SECONDS = 24 * 60 * 60;

/** The token that the browser's cookies hold for a cluster, put together from its chunks, or undefined. */
export function readSessionToken(cookieHeader: string | undefined, cluster: string): string | undefined {
  const cookies = parseCookies(cookieHeader);
  let token = '';
  for (let chunk = 0; ; chunk++) {
    const value = cookies.get(cookieName(cluster, chunk));
    if (value === undefined) break;
    token += value;
  }
  return token === '' ? undefined : token;
}

/** `Set-Cookie` lines that store a token, or with an empty token clear it, after clearing the chunks in use. */
export function buildSessionCookies(
  request: IncomingMessage,
  cluster: string,
  token: string,
  baseUrl: string,
) {
  if (sanitize(cluster) === '') return [];
  const isSecure = request.headers['x-forwarded-proto'] === 'https';
  const attributes = (maxAgeSeconds: number) =>
    `; Path=${baseUrl}/clusters/${cluster}; Max-Age=${maxAgeSeconds}; HttpOnly${isSecure ? '; Secure' : ''}; SameSite=Strict`;
  const lines: string[] = [];
  const present = parseCookies(request.headers.cookie);
  for (let chunk = 0; present.has(cookieName(cluster, chunk)); chunk++) {
    lines.push(`${cookieName(cluster, chunk)}=${attributes(0)}`);
  }
  for (let start = 0; start < token.length; start += CHUNK_BYTES) {
    const name = cookieName(cluster, start / CHUNK_BYTES);
    lines.push(`${name}=${token.slice(start, start + CHUNK_BYTES)}${attributes(MAX_AGE_SECONDS)}`);
  }
  return lines;
}

/** Long names, or names that differ in other characters only, share a cookie name; their paths differ. */
function cookieName(cluster: string, chunk: number): string {
  return `headlamp-auth-${sanitize(cluster)}.${chunk}`;
}

function sanitize(cluster: string): string {
  return cluster.replace(/[^A-Za-z0-9\-_]/g, '').slice(0, 50);
}

function parseCookies(header: string | undefined): Map<string, string> {
  const cookies = new Map<string, string>();
  for (const pair of (header ?? '').split(';')) {
    const equals = pair.indexOf('=');
    const name = pair.slice(0, equals).trim();
    if (equals > 0 && !cookies.has(name)) cookies.set(name, pair.slice(equals + 1).trim());
  }
  return cookies;
}
