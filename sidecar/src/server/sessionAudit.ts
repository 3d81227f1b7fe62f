import type { IncomingMessage } from 'node:http';
import type { HubSession } from '../dashboard/hubSession.ts';
import type { Gate } from '../identity/gate.ts';
import { readRequestSession } from '../identity/requestSession.ts';
import { readSessionToken } from '../identity/sessionCookie.ts';
import type { User } from '../identity/user.ts';
import type { AuditLog } from '../telemetry/audit.ts';

export interface SessionAuditOptions {
  readonly gate: Pick<Gate, 'identifyToken'>;
  readonly session: Pick<HubSession, 'copyCookies'>;
  readonly audit: AuditLog;
  readonly sourceAddress: (request: IncomingMessage) => string | undefined;
}

/**
 * The session's copies of cookies, with sign-in and sign-out at the dashboard in the audit as they are seen there: its
 * token form, a provider's callback, its sign-out. A session that is renewed is neither.
 */
export function createSessionAudit(options: SessionAuditOptions): HubSession['copyCookies'] {
  const { gate, session, audit, sourceAddress } = options;
  return (setCookies, request) => {
    const record = audit.begin(sourceAddress(request));
    const leaving = findSignedIn(gate, request);
    const copies = session.copyCookies(setCookies, request);
    if (copies.length === 0) return copies;
    const note = async (): Promise<void> => {
      const token = readSessionToken(copies.map((cookie) => cookie.split(';', 1)[0] ?? '').join(';'));
      const left = await leaving;
      const user = token === undefined ? left : await identify(gate, token);
      if (token !== undefined && left?.name === user?.name) return;
      const known = record.know();
      known.event = token === undefined ? 'sign-out' : 'sign-in';
      known.user = user;
      record.finish();
    };
    void note();
    return copies;
  };
}

/** Whose session a request carries; undefined also where the hub does not know any more, or cannot be asked. */
export async function findSignedIn(
  gate: Pick<Gate, 'identifyToken'>,
  request: IncomingMessage,
): Promise<User | undefined> {
  const token = readRequestSession(request)?.token;
  return token === undefined ? undefined : identify(gate, token);
}

function identify(gate: Pick<Gate, 'identifyToken'>, token: string): Promise<User | undefined> {
  return gate.identifyToken(token).catch(() => undefined);
}
