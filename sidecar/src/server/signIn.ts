import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HubSession } from '../dashboard/hubSession.ts';
import { CodedError } from '../foundation/errors.ts';
import { asRecord } from '../foundation/unknownValue.ts';
import { assertNotForged } from '../identity/checkOrigin.ts';
import type { Gate } from '../identity/gate.ts';
import { readRequestBody } from '../proxy/readRequestBody.ts';
import { pathOf } from '../proxy/target.ts';
import type { AuditRecord } from '../telemetry/audit.ts';
import { findSignedIn } from './sessionAudit.ts';

export interface SignInOptions {
  readonly gate: Gate;
  /** Undefined where nobody signs in here: a proxy in front says who they are (ID-02). */
  readonly session: HubSession | undefined;
  readonly baseUrl: string;
  readonly hubContextName: string;
}

interface SignInRoute {
  readonly method: string;
  /** Behind the cluster's name. */
  readonly path: string;
  readonly answer: (request: IncomingMessage, response: ServerResponse, audit: AuditRecord) => Promise<void>;
}

/** What Headlamp asks of its backend under each cluster's name: one sign-in on the hub serves the whole fleet (ID-05). */
export interface SignIn {
  /** All that is answered here. */
  readonly routes: readonly SignInRoute[];
  /** The target of an OIDC sign-in as the hub's; undefined for any other target. */
  asHubSignIn(target: string): string | undefined;
  /**
   * Undefined, at once, when the request is not for here; else it resolves when it is answered.
   * @throws CodedError `token-rejected`, `sign-in-required` and the like
   */
  handle(
    request: IncomingMessage,
    response: ServerResponse,
    rest: string,
    audit: AuditRecord,
  ): Promise<void> | undefined;
}

const maxBytes = 64 * 1024;

export function createSignIn({ gate, session, baseUrl, hubContextName }: SignInOptions): SignIn {
  const setToken = async (
    request: IncomingMessage,
    response: ServerResponse,
    audit: AuditRecord,
    hubSession: HubSession,
  ): Promise<void> => {
    audit.know().event = 'sign-in';
    assertNotForged(request, false);
    if (request.headers.expect !== undefined) response.writeContinue();
    const token = readToken(await readRequestBody(request, maxBytes));
    // What the hub does not accept never becomes a session.
    const known = audit.know();
    if (token !== '') known.user = await gate.identifyToken(token);
    else known.event = 'sign-out';
    const leaving = token === '' ? findSignedIn(gate, request) : undefined;
    const { status, setCookies } = await hubSession.setToken(token, request);
    response.setHeader('Set-Cookie', setCookies);
    response.writeHead(status, { 'Cache-Control': 'no-store', 'Content-Length': '0' });
    response.end();
    const user = await leaving;
    if (user) known.user = user;
  };

  const describeUser = async (
    request: IncomingMessage,
    response: ServerResponse,
    audit: AuditRecord,
  ): Promise<void> => {
    const renewed = await session?.renew(request);
    renewed?.addTo(response);
    const { user } = await gate.identify(request, renewed?.token);
    audit.know().user = user;
    response.writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
    response.end(JSON.stringify({ username: user.name, email: '', groups: user.groups }));
  };

  const routes: readonly SignInRoute[] = [
    ...(session
      ? [
          {
            method: 'POST',
            path: '/set-token',
            answer: (...asked: Parameters<SignInRoute['answer']>) => setToken(...asked, session),
          },
        ]
      : []),
    { method: 'GET', path: '/me', answer: describeUser },
  ];

  return {
    routes,
    asHubSignIn(target) {
      const [path = '', query = ''] = target.split('?', 2);
      if (session === undefined || path !== `${baseUrl}/oidc`) return undefined;
      const parameters = new URLSearchParams(query);
      parameters.set('cluster', hubContextName);
      return `${path}?${parameters.toString()}`;
    },
    handle(request, response, rest, audit) {
      return routes
        .find(
          ({ method, path }) => method === request.method && rest.startsWith(path) && pathOf(rest) === path,
        )
        ?.answer(request, response, audit);
    },
  };
}

/** An empty token signs out, as at Headlamp's own backend. */
function readToken(body: Buffer): string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString('utf8'));
  } catch (cause) {
    throw new CodedError('body-invalid', undefined, { cause });
  }
  const { token } = asRecord(parsed);
  if (token !== undefined && typeof token !== 'string') throw new CodedError('body-invalid');
  return token ?? '';
}
