/** Who the hub says that somebody is (`authentication.k8s.io/v1` `UserInfo`). */
export interface User {
  readonly name: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** A user is the same object for as long as their token is remembered: made once, the key serves all their requests. */
const keys = new WeakMap<User, string>();

/** The same for the same identity, whatever the order of its groups. */
export function buildUserKey(user: User): string {
  const present = keys.get(user);
  if (present !== undefined) return present;
  const key = writeUserKey(user);
  keys.set(user, key);
  return key;
}

function writeUserKey({ name, uid, groups, extra }: User): string {
  const sortedExtra = Object.entries(extra)
    .map(([key, values]) => [key, values] as const)
    .sort(([left], [right]) => (left < right ? -1 : 1));
  return JSON.stringify([name, uid, [...groups].sort(), sortedExtra]);
}
