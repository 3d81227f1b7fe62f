import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { readSessionToken } from './sessionCookie.ts';
import { readTokenExpiry } from './tokenExpiry.ts';

/** The session that a browser's cookie carries. */
export interface RequestSession {
  readonly token: string;
  /** As the token says; Infinity where it says nothing. Milliseconds. */
  readonly expiresAt: number;
}

interface Read {
  readonly cookie: string;
  readonly session: RequestSession | undefined;
}

/** A connection sends the same header each time: it is read once, and kept no longer than the connection. */
const lastRead = new WeakMap<Socket, Read>();

export function readRequestSession({ headers, socket }: IncomingMessage): RequestSession | undefined {
  const { cookie } = headers;
  if (cookie === undefined) return undefined;
  const last = lastRead.get(socket);
  if (last?.cookie === cookie) return last.session;
  const token = readSessionToken(cookie);
  const session = token === undefined ? undefined : { token, expiresAt: readTokenExpiry(token) };
  lastRead.set(socket, { cookie, session });
  return session;
}
