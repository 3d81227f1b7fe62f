import type { Credential } from './credential.ts';

/**
 * Whether a cluster could tell the two apart (EX-25): by the token and the chain of certificates that it is shown.
 * The expiry is not shown to it, and a key follows from its certificate.
 */
export function isSameCredential(one: Credential, other: Credential): boolean {
  return one.token === other.token && one.connectionKey === other.connectionKey;
}
