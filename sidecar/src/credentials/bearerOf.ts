import type { Credential } from './credential.ts';

const known = new WeakMap<Credential, string>();

/** What goes as `Authorization`: a kilobyte, which all requests with this credential share. */
export function bearerOf(credential: Credential): string | undefined {
  const { token } = credential;
  if (token === undefined) return undefined;
  let bearer = known.get(credential);
  if (bearer === undefined) known.set(credential, (bearer = `Bearer ${token}`));
  return bearer;
}
