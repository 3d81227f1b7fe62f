import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { TrustedProxies } from '../config/trustedProxies.ts';
import { CodedError } from '../foundation/errors.ts';
import type { User } from './user.ts';

/** An authenticating proxy in front whose word is who somebody is (ID-02). Names of headers are in lower case. */
export interface ProxyUsers {
  readonly trustedProxies: TrustedProxies;
  readonly usernameHeader: string;
  readonly groupHeader: string;
  readonly secretHeader: string;
  /** What the proxy and nobody else knows, as it is now. */
  readonly secret: () => string;
}

/**
 * Who a proxy says that a request is from. Neither its address nor its secret is enough: others may share the first and
 * learn the second.
 * @throws CodedError `sign-in-required`, `users-differ`, `identity-refused`
 */
export function readProxyUser({ socket, headersDistinct }: IncomingMessage, proxy: ProxyUsers): User {
  const valuesOf = (header: string): string[] => headersDistinct[header] ?? [];
  const [secret, ...moreSecrets] = valuesOf(proxy.secretHeader);
  if (
    !proxy.trustedProxies.has(socket.remoteAddress) ||
    secret === undefined ||
    moreSecrets.length > 0 ||
    !isSame(secret, proxy.secret())
  )
    throw new CodedError('sign-in-required');
  const [rawName, ...moreNames] = valuesOf(proxy.usernameHeader);
  // One of two is the client's own.
  if (moreNames.length > 0) throw new CodedError('users-differ', 'The request names more than one user');
  if (!rawName) throw new CodedError('sign-in-required');
  const name = decode(rawName);
  // The system of the hub has no users behind a proxy, its ServiceAccounts neither (ID-22).
  if (name.startsWith('system:')) throw new CodedError('identity-refused');
  const groups = valuesOf(proxy.groupHeader)
    .flatMap((value) => decode(value).split(','))
    .map((group) => group.trim())
    .filter((group) => group !== '' && !group.startsWith('system:'));
  // As an API server completes each user that it knows.
  return { name, uid: '', groups: [...new Set(groups), 'system:authenticated'], extra: {} };
}

/** Takes the same time wherever the two differ, and whatever their lengths. */
function isSame(left: string, right: string): boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(left), hash(right));
}

/** UTF-8, as an API server reads header values. Anything else would make one user of several. */
function decode(value: string): string {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      Buffer.from(value, 'latin1'),
    );
    if (!/\p{Cc}/u.test(text)) return text;
  } catch {
    // Said below.
  }
  throw new CodedError('identity-refused');
}
