import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { TrustedProxies } from '../config/trustedProxies.ts';
import { readRequestSession } from './requestSession.ts';

/**
 * Where a token came in. A cookie is sent by the browser whoever made the page, and so is what a proxy in front makes of
 * its own cookie; anything else by a program.
 */
export type TokenOrigin = 'subprotocol' | 'cookie' | 'proxy' | 'bearer';

/** The same object for as long as its connection sends the same, so that what is made of it is made once. */
export interface RequestToken {
  readonly token: string;
  readonly origin: TokenOrigin;
}

/** An authenticating proxy in front that passes on its users' tokens. */
export interface ProxyTokens {
  readonly trustedProxies: TrustedProxies;
  /** In lower case. */
  readonly tokenHeader: string;
}

const protocolPrefix = 'base64url.bearer.authorization.k8s.io.';

interface Found {
  readonly cookie: string | undefined;
  readonly authorization: string | undefined;
  readonly tokens: readonly RequestToken[];
}

/** Kept no longer than the connection. */
const lastFound = new WeakMap<Socket, Found>();

/** The user's tokens in the order in which they are looked for (ID-01), each once; another scheme counts as none. */
export function findRequestTokens(request: IncomingMessage, proxy?: ProxyTokens): readonly RequestToken[] {
  const { headers, socket } = request;
  const { cookie, authorization } = headers;
  const isTrusted = proxy?.trustedProxies.has(socket.remoteAddress) ?? false;
  if (isTrusted || headers['sec-websocket-protocol'] !== undefined)
    return readTokens(request, isTrusted ? proxy : undefined);
  const last = lastFound.get(socket);
  if (last && last.cookie === cookie && last.authorization === authorization) return last.tokens;
  const tokens = readTokens(request, undefined);
  lastFound.set(socket, { cookie, authorization, tokens });
  return tokens;
}

function readTokens(request: IncomingMessage, trusted: ProxyTokens | undefined): RequestToken[] {
  const { headers } = request;
  const found: RequestToken[] = [];
  const add = (token: string | undefined, origin: TokenOrigin): void => {
    if (token && isPlainToken(token) && !found.some((each) => each.token === token))
      found.push({ token, origin });
  };
  add(readProtocolToken(headers['sec-websocket-protocol']), 'subprotocol');
  add(readRequestSession(request)?.token, 'cookie');
  if (trusted) add(readProxyToken(request, trusted), 'proxy');
  add(/^bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1], 'bearer');
  return found;
}

function readProxyToken(
  { headersDistinct }: IncomingMessage,
  { tokenHeader }: ProxyTokens,
): string | undefined {
  const values = headersDistinct[tokenHeader] ?? [];
  // Of two one is the client's own.
  return values.length === 1 ? values[0] : undefined;
}

/** A hub reads a token only up to the first space: what is behind it would be anybody's. */
export function isPlainToken(token: string): boolean {
  return /^[\x21-\x7e]+$/.test(token);
}

function readProtocolToken(protocols: string | undefined): string | undefined {
  const encoded = protocols
    ?.split(',')
    .map((each) => each.trim())
    .find((each) => each.startsWith(protocolPrefix))
    ?.slice(protocolPrefix.length);
  if (encoded === undefined || !/^[A-Za-z0-9_-]+$/.test(encoded)) return undefined;
  return Buffer.from(encoded, 'base64url').toString('utf8');
}
