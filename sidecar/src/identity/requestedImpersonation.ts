import { CodedError } from '../foundation/errors.ts';
import type { AccessDecisions } from './accessDecisions.ts';
import type { ResourceAttributes } from './hubReviews.ts';
import type { User } from './user.ts';

const headerPrefix = 'impersonate-';
const extraPrefix = 'impersonate-extra-';

/**
 * Whom the client asks to act as, by `Impersonate-*` headers (`kubectl --as`); undefined where it does not (PX-13).
 * @param rawHeaders names and values in turn
 * @throws CodedError `impersonation-invalid`
 */
export function readRequestedImpersonation(rawHeaders: readonly string[]): User | undefined {
  for (let index = 0; index + 1 < rawHeaders.length; index += 2)
    if (isImpersonation(rawHeaders[index] ?? '')) return readImpersonation(rawHeaders, index);
  return undefined;
}

function isImpersonation(name: string): boolean {
  // Nearly every header is none of these: the first letter says so.
  return (name.startsWith('I') || name.startsWith('i')) && name.toLowerCase().startsWith(headerPrefix);
}

function readImpersonation(rawHeaders: readonly string[], first: number): User {
  const names: string[] = [];
  const uids: string[] = [];
  const groups: string[] = [];
  const extra = new Map<string, string[]>();
  for (let index = first; index + 1 < rawHeaders.length; index += 2) {
    const rawName = rawHeaders[index] ?? '';
    if (!isImpersonation(rawName)) continue;
    const header = rawName.toLowerCase();
    const value = Buffer.from(rawHeaders[index + 1] ?? '', 'latin1').toString('utf8');
    if (header === 'impersonate-user') names.push(value);
    else if (header === 'impersonate-uid') uids.push(value);
    else if (header === 'impersonate-group') groups.push(value);
    else if (header.startsWith(extraPrefix) && header.length > extraPrefix.length) {
      const key = decodeKey(header.slice(extraPrefix.length));
      extra.set(key, [...(extra.get(key) ?? []), value]);
    } else throw new CodedError('impersonation-invalid');
  }
  const [name] = names;
  if (names.length !== 1 || !name || uids.length > 1) throw new CodedError('impersonation-invalid');
  return { name, uid: uids[0] ?? '', groups, extra: Object.fromEntries(extra) };
}

function decodeKey(escaped: string): string {
  try {
    return decodeURIComponent(escaped);
  } catch {
    throw new CodedError('impersonation-invalid');
  }
}

/**
 * Whether a user may act as all of this on the hub; never as a group of its system (ID-24).
 * @throws CodedError `impersonation-refused`, `reviews-unavailable`
 */
export async function assertMayImpersonate(
  user: User,
  target: User,
  decisions: Pick<AccessDecisions, 'may'>,
): Promise<void> {
  if (target.groups.some((group) => group.startsWith('system:')))
    throw new CodedError('impersonation-refused');
  // One by one, up to the first no: a request may name thousands.
  for (const attributes of listAttributes(target)) {
    if (!(await decisions.may(user, attributes))) throw new CodedError('impersonation-refused');
  }
}

/** What the API server itself asks for in `WithImpersonation`. */
function listAttributes({ name, uid, groups, extra }: User): ResourceAttributes[] {
  const impersonate = { verb: 'impersonate' } as const;
  const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(name);
  return [
    account
      ? {
          ...impersonate,
          group: '',
          resource: 'serviceaccounts',
          namespace: account[1] ?? '',
          name: account[2] ?? '',
        }
      : { ...impersonate, group: '', resource: 'users', name },
    ...groups.map((group) => ({ ...impersonate, group: '', resource: 'groups', name: group })),
    ...(uid === '' ? [] : [{ ...impersonate, group: 'authentication.k8s.io', resource: 'uids', name: uid }]),
    ...Object.entries(extra).flatMap(([key, values]) =>
      values.map((value) => ({
        ...impersonate,
        group: 'authentication.k8s.io',
        resource: 'userextras',
        subresource: key,
        name: value,
      })),
    ),
  ];
}
