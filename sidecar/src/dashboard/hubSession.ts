import type { IncomingMessage } from 'node:http';
import type { Dispatcher } from 'undici';
import { CodedError } from '../foundation/errors.ts';
import { buildSessionCookies, readSessionToken } from '../identity/sessionCookie.ts';
import { readTokenExpiry } from '../identity/tokenExpiry.ts';
import type { Clock } from '../foundation/clock.ts';
import { createHubCookies, type SessionOutcome } from './hubCookies.ts';

export interface HubSessionOptions {
  readonly dashboardUrl: URL;
  readonly dashboardHost: string;
  readonly dispatcher: Dispatcher;
  readonly baseUrl: string;
  readonly hubContextName: string;
  readonly clock: Clock;
  readonly schemeOf: (request: IncomingMessage) => string;
  /** The session of a token goes on with another. */
  readonly onRenewed: (previous: string, token: string) => void;
  /** The session of this token ended. */
  readonly onSignOut: (token: string) => void;
}

/** An answer of the dashboard about the hub's session, with the sidecar's copy of it (ID-04). */
export interface SessionAnswer {
  readonly status: number;
  readonly setCookies: readonly string[];
}

export interface HubSession {
  /** What to add to an answer of the dashboard that carries these cookies. */
  copyCookies(setCookies: readonly string[], request: IncomingMessage): string[];
  /** Signs in or, with an empty token, out: as the dashboard's token form does for the hub. */
  setToken(token: string, request: IncomingMessage): Promise<SessionAnswer>;
  /**
   * A session about to end is renewed by the dashboard, which alone can: Headlamp does so on requests to its own
   * cluster. Undefined where there is nothing to renew, or nothing came of it.
   */
  renew(request: IncomingMessage): Promise<RenewedSession | undefined>;
}

export interface RenewedSession {
  readonly token: string;
  /** For the browser, with the next answer. */
  readonly setCookies: readonly string[];
}

/** A session with less time left is renewed. */
const renewBeforeMs = 10_000;
const renewTimeoutMs = 10_000;
/** A browser sends the old cookie for a while: with what waited for a connection, or after an answer that was lost. */
const keepRenewedMs = 10_000;

interface Renewal {
  readonly outcome: Promise<RenewedSession | undefined>;
  next?: string;
}

export function createHubSession(options: HubSessionOptions): HubSession {
  const { dashboardUrl, dashboardHost, dispatcher, baseUrl, hubContextName, clock } = options;
  const hubCookies = createHubCookies(hubContextName);
  /** By the token that is renewed: under way, and of late. */
  const renewals = new Map<string, Renewal>();
  const hubPath = `${baseUrl}/clusters/${encodeURIComponent(hubContextName)}`;

  /** The browser may not know yet that its session goes on with another token. */
  const signOut = (token: string): void => {
    const tokens = new Set([token]);
    for (const [previous, { next }] of renewals) {
      if (previous !== token && next !== token) continue;
      renewals.delete(previous);
      tokens.add(previous);
      if (next !== undefined) tokens.add(next);
    }
    for (const each of tokens) options.onSignOut(each);
  };

  const copy = (outcome: SessionOutcome, previous: string | undefined): string[] => {
    switch (outcome.kind) {
      case 'untouched':
        return [];
      case 'cleared':
        if (previous !== undefined) signOut(previous);
        return previous === undefined
          ? []
          : buildSessionCookies('', previous, { basePath: baseUrl, secure: false, maxAgeSeconds: 0 });
      case 'set':
        if (previous !== undefined) options.onRenewed(previous, outcome.token);
        return buildSessionCookies(outcome.token, previous, {
          basePath: baseUrl,
          secure: outcome.secure,
          maxAgeSeconds: outcome.maxAgeSeconds,
        });
    }
  };

  const ask = async (
    method: 'GET' | 'POST',
    path: string,
    request: IncomingMessage,
    { cookie, body }: { readonly cookie: string | undefined; readonly body?: string },
  ): Promise<SessionAnswer> => {
    const { headers } = request;
    const host = dashboardHost || headers.host;
    try {
      const answer = await dispatcher.request({
        origin: dashboardUrl.origin,
        path: `${hubPath}${path}`,
        method,
        headers: {
          ...(host === undefined ? {} : { host }),
          ...(options.schemeOf(request) === 'https' ? { 'x-forwarded-proto': 'https' } : {}),
          ...(cookie === undefined ? {} : { cookie }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        body: body ?? null,
        headersTimeout: renewTimeoutMs,
        bodyTimeout: renewTimeoutMs,
      });
      await answer.body.dump();
      return { status: answer.statusCode, setCookies: [answer.headers['set-cookie'] ?? []].flat() };
    } catch (cause) {
      throw new CodedError('dashboard-unreachable', undefined, { cause });
    }
  };

  const askForRenewal = async (
    token: string,
    request: IncomingMessage,
  ): Promise<RenewedSession | undefined> => {
    const { setCookies } = await ask('GET', '/version', request, {
      cookie: hubCookies.buildCookieHeader(token),
    });
    const outcome = hubCookies.readOutcome(setCookies);
    if (outcome.kind !== 'set' || outcome.token === token) return undefined;
    return { token: outcome.token, setCookies: [...setCookies, ...copy(outcome, token)] };
  };

  return {
    copyCookies: (setCookies, request) =>
      copy(hubCookies.readOutcome(setCookies), readSessionToken(request.headers.cookie)),

    async setToken(token, request) {
      const previous = readSessionToken(request.headers.cookie);
      const { status, setCookies } = await ask('POST', '/set-token', request, {
        // The dashboard clears the chunks that it is shown.
        cookie: previous === undefined ? undefined : hubCookies.buildCookieHeader(previous),
        body: JSON.stringify({ token }),
      });
      return { status, setCookies: [...setCookies, ...copy(hubCookies.readOutcome(setCookies), previous)] };
    },

    async renew(request) {
      const token = readSessionToken(request.headers.cookie);
      if (token === undefined || readTokenExpiry(token) - clock.now() > renewBeforeMs) return undefined;
      const present = renewals.get(token);
      if (present) return present.outcome;
      const forget = (): void => {
        if (renewals.get(token) === renewal) renewals.delete(token);
      };
      const run = async (): Promise<RenewedSession | undefined> => {
        const renewed = await askForRenewal(token, request).catch(() => undefined);
        // Who signed out meanwhile remains so.
        if (renewals.get(token) !== renewal) return undefined;
        if (renewed === undefined) {
          forget();
          return undefined;
        }
        renewal.next = renewed.token;
        clock.after(keepRenewedMs, forget);
        return renewed;
      };
      const renewal: Renewal = { outcome: run() };
      renewals.set(token, renewal);
      return renewal.outcome;
    },
  };
}
