import type { IncomingMessage } from 'node:http';
import type { Dispatcher } from 'undici';
import { CodedError } from '../foundation/errors.ts';
import { readRequestSession } from '../identity/requestSession.ts';
import { buildSessionCookies } from '../identity/sessionCookie.ts';
import type { Clock } from '../foundation/clock.ts';
import { createHubCookies, type SessionOutcome } from './hubCookies.ts';
import { createSessionRenewals, type Renewed, type RenewedSession } from './sessionRenewals.ts';

export interface HubSessionOptions {
  readonly dashboardUrl: URL;
  readonly dashboardHost: string;
  readonly dispatcher: Dispatcher;
  readonly baseUrl: string;
  readonly hubContextName: string;
  readonly clock: Clock;
  readonly schemeOf: (request: IncomingMessage) => string;
  /** Whether the hub has accepted a token before, be it at its end or not. */
  readonly isKnown: (token: string) => boolean;
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
   * cluster. Undefined, at once, where there is nothing to renew; later where nothing came of it.
   */
  renew(request: IncomingMessage): Promise<RenewedSession | undefined> | undefined;
}

/** A session with less time left is renewed. */
const renewBeforeMs = 10_000;
const renewTimeoutMs = 10_000;

export function createHubSession(options: HubSessionOptions): HubSession {
  const { dashboardUrl, dashboardHost, dispatcher, baseUrl, hubContextName, clock } = options;
  const hubCookies = createHubCookies(hubContextName);
  const renewals = createSessionRenewals(clock, options.isKnown);
  const hubPath = `${baseUrl}/clusters/${encodeURIComponent(hubContextName)}`;

  const buildCopies = (
    { token, secure, maxAgeSeconds }: SessionOutcome & { readonly kind: 'set' },
    previous: string | undefined,
  ): string[] => buildSessionCookies(token, previous, { basePath: baseUrl, secure, maxAgeSeconds });

  /**
   * The sidecar's cookies for what an answer did to the session whose token the browser showed. Where it is no longer the
   * browser's, the browser may not know yet that it went on with another token.
   */
  const copy = (outcome: SessionOutcome, previous: string | undefined, isRenewal: boolean): string[] => {
    switch (outcome.kind) {
      case 'untouched':
        return [];
      case 'cleared':
        if (previous === undefined) return [];
        for (const each of renewals.end(previous)) options.onSignOut(each);
        return buildSessionCookies('', previous, { basePath: baseUrl, secure: false, maxAgeSeconds: 0 });
      case 'set':
        if (previous !== undefined && previous !== outcome.token) {
          if (!isRenewal) renewals.end(previous);
          options.onRenewed(previous, outcome.token);
        }
        renewals.begin(outcome.token);
        return buildCopies(outcome, previous);
    }
  };

  /** Headlamp renews a session with any answer about its own cluster; a sign-in may be another user's. */
  const isRenewedBy = ({ url = '' }: IncomingMessage): boolean => {
    const path = url.split('?', 1)[0] ?? '';
    return path.startsWith(`${hubPath}/`) && path !== `${hubPath}/set-token`;
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

  const askForRenewal = async (token: string, request: IncomingMessage): Promise<Renewed | undefined> => {
    const { setCookies } = await ask('GET', '/version', request, {
      cookie: hubCookies.buildCookieHeader(token),
    });
    const outcome = hubCookies.readOutcome(setCookies);
    if (outcome.kind !== 'set' || outcome.token === token) return undefined;
    return { token: outcome.token, setCookies: [...setCookies, ...buildCopies(outcome, token)] };
  };

  return {
    copyCookies: (setCookies, request) =>
      copy(hubCookies.readOutcome(setCookies), readRequestSession(request)?.token, isRenewedBy(request)),

    async setToken(token, request) {
      const previous = readRequestSession(request)?.token;
      const { status, setCookies } = await ask('POST', '/set-token', request, {
        // The dashboard clears the chunks that it is shown.
        cookie: previous === undefined ? undefined : hubCookies.buildCookieHeader(previous),
        body: JSON.stringify({ token }),
      });
      const copies = copy(hubCookies.readOutcome(setCookies), previous, false);
      return { status, setCookies: [...setCookies, ...copies] };
    },

    renew(request) {
      const session = readRequestSession(request);
      if (session === undefined || session.expiresAt - clock.now() > renewBeforeMs) return undefined;
      const { token } = session;
      return renewals.renew(
        token,
        () => askForRenewal(token, request),
        (next) => {
          options.onRenewed(token, next);
        },
      );
    },
  };
}
