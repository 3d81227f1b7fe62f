import type { Credential } from '../credentials/credential.ts';
import { CodedError } from '../foundation/errors.ts';
import type { ForwardContext } from './context.ts';

/** What became of one attempt: done, or a 401 of the cluster that was not passed on. */
export type Attempt = 'done' | 'unauthorized';

/**
 * Sends with the current credential. A 401 drops it; what may be sent again is, once, with the next one (EX-25). The
 * user's own credential is nobody else's to renew: its 401 is the user's.
 * @throws CodedError of stage `credential`, also where the cluster rejects the next one too
 */
export async function withCredential(
  { cluster, userCredential }: ForwardContext,
  mayRepeat: boolean,
  attempt: (credential: Credential, isLast: boolean) => Promise<Attempt>,
): Promise<void> {
  if (userCredential) {
    await attempt(userCredential, true);
    return;
  }
  const first = cluster.credentials.current() ?? (await cluster.credentials.get());
  if ((await attempt(first, !mayRepeat)) === 'done') return;
  cluster.credentials.reject(first);
  const second = await cluster.credentials.get();
  if ((await attempt(second, true)) === 'done') return;
  throw new CodedError('plugin-credential-rejected');
}

/** Whether an answer says that the cluster does not take the provider's credential; an app behind `proxy` may. */
export function isRejected(status: number | undefined, { asked, userCredential }: ForwardContext): boolean {
  return status === 401 && !asked.isProxySubresource && userCredential === undefined;
}
