import type { Credential } from '../credentials/credential.ts';
import { CodedError } from '../foundation/errors.ts';
import type { ForwardContext } from './context.ts';

/** What became of one attempt: done, or a 401 of the cluster that was not passed on. */
export type Attempt = 'done' | 'unauthorized';

/**
 * Sends with the current credential. A 401 drops it; what may be sent again is, once, with the next one (EX-25).
 * @throws CodedError of stage `credential`, also where the plugin answers the rejected credential again
 */
export async function withCredential(
  { cluster }: ForwardContext,
  mayRepeat: boolean,
  attempt: (credential: Credential, isLast: boolean) => Promise<Attempt>,
): Promise<void> {
  const first = await cluster.credentials.get();
  if ((await attempt(first, !mayRepeat)) === 'done') return;
  cluster.credentials.reject(first);
  const second = await cluster.credentials.get();
  if ((await attempt(second, true)) === 'done') return;
  throw new CodedError('plugin-credential-rejected');
}
