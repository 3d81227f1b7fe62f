import { CodedError } from '../foundation/errors.ts';
import type { User } from './user.ts';

/** How users of the hub are called on a cluster (ID-20, ID-22). */
export interface ImpersonationRules {
  readonly prefix: string;
  readonly groupPrefix: string;
  /** Never empty: the cluster has ServiceAccounts of its own by the same names. */
  readonly serviceAccountPrefix: string;
  readonly uid: boolean;
  readonly extraKeys: readonly string[];
}

type Headers = readonly (readonly [name: string, value: string])[];

/** A user is the same object for as long as their token is remembered, and rules for as long as they hold. */
const built = new WeakMap<User, WeakMap<ImpersonationRules, Headers>>();

const serviceAccountName = /^system:serviceaccount:[^:]+:[^:]+$/;

/**
 * The headers by which the provider's credential acts as a user. No group of the hub's system goes along: the API
 * server adds `system:authenticated` by itself (ID-22).
 * @throws CodedError `identity-refused`, `identity-missing`
 */
export function buildImpersonationHeaders(user: User, rules: ImpersonationRules): Headers {
  const present = built.get(user)?.get(rules);
  if (present) return present;
  const headers = writeHeaders(user, rules);
  const byRules = built.get(user) ?? new WeakMap<ImpersonationRules, Headers>();
  built.set(user, byRules.set(rules, headers));
  return headers;
}

function writeHeaders(user: User, rules: ImpersonationRules): Headers {
  const { prefix, groupPrefix, serviceAccountPrefix, uid, extraKeys } = rules;
  if (user.name === '' || serviceAccountPrefix === '') throw new CodedError('identity-missing');
  const isServiceAccount = serviceAccountName.test(user.name);
  if (user.name.startsWith('system:') && !isServiceAccount) throw new CodedError('identity-refused');
  const name = `${isServiceAccount ? serviceAccountPrefix : prefix}${user.name}`;
  // A prefix of another kind, or an empty one, must not lead to a name of the cluster's own system either.
  if (name.startsWith('system:')) throw new CodedError('identity-refused');
  // Nor does anybody's name lead to what a ServiceAccount of the hub is called there.
  if (!isServiceAccount && name.startsWith(`${serviceAccountPrefix}system:`))
    throw new CodedError('identity-refused');
  const groups = user.groups
    .filter((group) => group !== '' && !group.startsWith('system:'))
    .map((group) => `${groupPrefix}${group}`)
    .filter((group) => !group.startsWith('system:'));
  const extra = Object.entries(user.extra).filter(([key]) => extraKeys.includes(key));
  return [
    ['Impersonate-User', encodeHeaderValue(name)],
    ...groups.map((group) => ['Impersonate-Group', encodeHeaderValue(group)] as const),
    ...(uid && user.uid !== '' ? [['Impersonate-Uid', encodeHeaderValue(user.uid)] as const] : []),
    ...extra.flatMap(([key, values]) =>
      values.map((value) => [`Impersonate-Extra-${encodeExtraKey(key)}`, encodeHeaderValue(value)] as const),
    ),
  ];
}

/**
 * UTF-8, as the API server reads header values; each byte is a character of the string, as Node and undici write it.
 * @throws CodedError `identity-refused` for what no header can hold (ID-23)
 */
function encodeHeaderValue(text: string): string {
  // Spaces at the ends are not kept by HTTP: another user would arrive.
  if (/[\p{Cc}]|^\s|\s$/u.test(text) || text === '' || !text.isWellFormed()) {
    throw new CodedError('identity-refused');
  }
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** Percent-encoded and in lower case, as client-go's `headerKeyEscape` does. */
function encodeExtraKey(key: string): string {
  return [...Buffer.from(key.toLowerCase(), 'utf8')]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return /[a-z0-9!#$&'*+\-.^_`|~]/.test(character)
        ? character
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
}
