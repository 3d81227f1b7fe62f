import { createHash } from 'node:crypto';

/** Who the hub says that somebody is (`authentication.k8s.io/v1` `UserInfo`). */
export interface User {
  readonly name: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** A user is the same object for as long as their token is remembered: made once, the key serves all their requests. */
const keys = new WeakMap<User, string>();

/** Of a fixed size, whoever the user is and acts as. */
export function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}

/** The same for the same identity, whatever the order of its groups; a digest, since it is part of many keys. */
export function buildUserKey(user: User): string {
  const present = keys.get(user);
  if (present !== undefined) return present;
  const key = digest(writeUserKey(user));
  keys.set(user, key);
  return key;
}

function writeUserKey({ name, uid, groups, extra }: User): string {
  const sortedExtra = Object.entries(extra)
    .map(([key, values]) => [key, values] as const)
    .sort(([left], [right]) => (left < right ? -1 : 1));
  return JSON.stringify([name, uid, [...groups].sort(), sortedExtra]);
}

const personKeys = new WeakMap<User, string>();

/** The same for all tokens of one user: API servers put the id of each into an extra key. */
export function buildPersonKey(user: User): string {
  const present = personKeys.get(user);
  if (present !== undefined) return present;
  const key = JSON.stringify([user.name, user.uid]);
  personKeys.set(user, key);
  return key;
}
