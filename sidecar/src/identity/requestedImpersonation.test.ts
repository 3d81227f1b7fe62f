import { describe, expect, it } from 'vitest';
import { codedErrorOf } from '../../test/support/codedErrorOf.ts';
import { person } from '../../test/support/fakeReviews.ts';
import type { ResourceAttributes } from './hubReviews.ts';
import { assertMayImpersonate, readRequestedImpersonation } from './requestedImpersonation.ts';
import type { User } from './user.ts';

const read = (...headers: readonly (readonly [string, string])[]): User | undefined =>
  readRequestedImpersonation(headers.flat());

describe('what is asked for', () => {
  it('PX-13: is nothing without such a header', () => {
    expect(read(['Host', 'x'], ['X-Impersonate-User', 'y'], ['Impersonate', 'z'])).toBeUndefined();
  });

  it('PX-13: is read in any case of letters, repeated groups and extra values as they are', () => {
    expect(
      read(
        ['IMPERSONATE-USER', 'ana'],
        ['impersonate-Group', 'dev'],
        ['Impersonate-Group', 'dev'],
        ['Impersonate-Group', 'ops'],
        ['Impersonate-Uid', '1'],
        ['Impersonate-Extra-example.org%2FTeam', 'x'],
        ['impersonate-extra-example.org%2fteam', 'y'],
      ),
    ).toEqual({
      name: 'ana',
      uid: '1',
      groups: ['dev', 'dev', 'ops'],
      extra: { 'example.org/team': ['x', 'y'] },
    });
  });

  it('PX-13: is UTF-8', () => {
    expect(read(['Impersonate-User', Buffer.from('zoë').toString('latin1')])?.name).toBe('zoë');
  });

  it.each(['constructor', '__proto__'])('PX-13: may have an extra key %s like any other', (key) => {
    const extra = read(['Impersonate-User', 'ana'], [`Impersonate-Extra-${key}`, 'x'])?.extra ?? {};
    expect(Object.entries(extra)).toEqual([[key, ['x']]]);
  });

  it.each<[string, [string, string][]]>([
    ['a group without a user', [['Impersonate-Group', 'dev']]],
    ['a UID without a user', [['Impersonate-Uid', '1']]],
    ['an extra key without a user', [['Impersonate-Extra-scope', 'x']]],
    [
      'two users',
      [
        ['Impersonate-User', 'ana'],
        ['impersonate-user', 'ana'],
      ],
    ],
    ['an empty user', [['Impersonate-User', '']]],
    [
      'two UIDs',
      [
        ['Impersonate-User', 'ana'],
        ['Impersonate-Uid', '1'],
        ['Impersonate-Uid', '1'],
      ],
    ],
    [
      'an unknown name',
      [
        ['Impersonate-User', 'ana'],
        ['Impersonate-Something', 'x'],
      ],
    ],
    [
      'a plural',
      [
        ['Impersonate-User', 'ana'],
        ['Impersonate-Groups', 'x'],
      ],
    ],
    [
      'an extra key without a key',
      [
        ['Impersonate-User', 'ana'],
        ['Impersonate-Extra-', 'x'],
      ],
    ],
    [
      'an extra key that is not encoded',
      [
        ['Impersonate-User', 'ana'],
        ['Impersonate-Extra-%zz', 'x'],
      ],
    ],
    ['no name at all', [['Impersonate-', 'x']]],
  ])('PX-13: with %s is invalid', async (_what, headers) => {
    expect((await codedErrorOf(() => read(...headers))).code).toBe('impersonation-invalid');
  });
});

describe('who may', () => {
  const ben = person('ben');
  const target: User = {
    name: 'ana',
    uid: '1',
    groups: ['dev', 'ops', 'dev'],
    extra: { scope: ['a', 'b'] },
  };

  async function ask(
    wanted: User,
    allows: (attributes: ResourceAttributes) => boolean,
  ): Promise<{ code: string | undefined; asked: ResourceAttributes[] }> {
    const asked: ResourceAttributes[] = [];
    const decisions = {
      may: (user: User, attributes: ResourceAttributes) => {
        expect(user).toBe(ben);
        asked.push(attributes);
        return Promise.resolve(allows(attributes));
      },
    };
    let code: string | undefined;
    await assertMayImpersonate(ben, wanted, decisions).catch((thrown: unknown) => {
      code = (thrown as { code: string }).code;
    });
    return { code, asked };
  }

  it('ID-24: is who may impersonate each of it on the hub', async () => {
    const { code, asked } = await ask(target, () => true);
    expect(code).toBeUndefined();
    expect(asked).toEqual(
      expect.arrayContaining([
        { verb: 'impersonate', group: '', resource: 'users', name: 'ana' },
        { verb: 'impersonate', group: '', resource: 'groups', name: 'dev' },
        { verb: 'impersonate', group: '', resource: 'groups', name: 'ops' },
        { verb: 'impersonate', group: 'authentication.k8s.io', resource: 'uids', name: '1' },
        {
          verb: 'impersonate',
          group: 'authentication.k8s.io',
          resource: 'userextras',
          subresource: 'scope',
          name: 'a',
        },
        {
          verb: 'impersonate',
          group: 'authentication.k8s.io',
          resource: 'userextras',
          subresource: 'scope',
          name: 'b',
        },
      ]),
    );
  });

  it.each<[string, (attributes: ResourceAttributes) => boolean]>([
    ['user', ({ resource }) => resource === 'users'],
    ['last group', ({ name }) => name === 'ops'],
    ['UID', ({ resource }) => resource === 'uids'],
    ['last value of an extra key', ({ name }) => name === 'b'],
  ])('PX-13: is not who may impersonate all but the %s', async (_what, isRefused) => {
    expect((await ask(target, (attributes) => !isRefused(attributes))).code).toBe('impersonation-refused');
  });

  it('PX-13: is asked about no further than the first no', async () => {
    const groups = Array.from({ length: 3_000 }, (_, index) => `group-${index}`);
    const { code, asked } = await ask({ ...target, groups }, ({ name }) => name !== 'group-1');
    expect([code, asked.length]).toEqual(['impersonation-refused', 3]);
  });

  it('PX-13, TH-01: is nobody for a group of a system, who is not even asked about', async () => {
    for (const group of ['system:masters', 'system:authenticated', 'system:']) {
      const { code, asked } = await ask({ ...target, groups: ['dev', group] }, () => true);
      expect([code, asked]).toEqual(['impersonation-refused', []]);
    }
  });

  it('ID-24: a ServiceAccount is asked about as one', async () => {
    const { asked } = await ask(person('system:serviceaccount:default:robot', { groups: [] }), () => true);
    expect(asked).toEqual([
      { verb: 'impersonate', group: '', resource: 'serviceaccounts', namespace: 'default', name: 'robot' },
    ]);
  });
});
