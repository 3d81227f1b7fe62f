import { describe, expect, it } from 'vitest';
import { codedErrorOf } from '../../test/support/codedErrorOf.ts';
import { person } from '../../test/support/fakeReviews.ts';
import { buildImpersonationHeaders, type ImpersonationRules } from './impersonate.ts';
import type { User } from './user.ts';

const plain: ImpersonationRules = {
  prefix: '',
  groupPrefix: '',
  serviceAccountPrefix: 'hub:',
  uid: false,
  extraKeys: [],
};

function build(user: Partial<User>, rules: Partial<ImpersonationRules> = {}): string[] {
  return buildImpersonationHeaders(person('ana', { groups: [], ...user }), { ...plain, ...rules }).map(
    ([name, value]) => `${name}: ${value}`,
  );
}

const codeOf = async (user: Partial<User>, rules?: Partial<ImpersonationRules>): Promise<string> =>
  (await codedErrorOf(() => build(user, rules))).code;

describe('names', () => {
  it('[ID-22] have the prefixes that are set', () => {
    expect(build({ groups: ['dev'] })).toEqual(['Impersonate-User: ana', 'Impersonate-Group: dev']);
    expect(build({ groups: ['dev', 'ops'] }, { prefix: 'hub:', groupPrefix: 'hub-group:' })).toEqual([
      'Impersonate-User: hub:ana',
      'Impersonate-Group: hub-group:dev',
      'Impersonate-Group: hub-group:ops',
    ]);
  });

  it('[ID-22] of a ServiceAccount have a prefix of their own', () => {
    const name = 'system:serviceaccount:default:robot';
    expect(build({ name }, { prefix: 'user:' })).toEqual([`Impersonate-User: hub:${name}`]);
  });

  it('[ID-22] of a ServiceAccount never go without one', async () => {
    const name = 'system:serviceaccount:default:robot';
    expect(await codeOf({ name }, { serviceAccountPrefix: '' })).toBe('identity-missing');
  });

  it.each([
    'system:admin',
    'system:',
    'system:node:n',
    'system:serviceaccount:default',
    'system:serviceaccount::robot',
    'system:serviceaccount:a:b:c',
  ])('[ID-22] %s goes to no cluster, whatever the prefix', async (name) => {
    expect(await codeOf({ name })).toBe('identity-refused');
    expect(await codeOf({ name }, { prefix: 'hub:' })).toBe('identity-refused');
  });

  it.each([
    [{ name: 'admin' }, { prefix: 'system:' }],
    [{ name: 'tem:admin' }, { prefix: 'sys' }],
    [{ name: 'system:serviceaccount:a:b' }, { serviceAccountPrefix: 'system:' }],
  ])('[ID-22] %o with %o becomes none of the cluster’s system', async (user, rules) => {
    expect(await codeOf(user, rules)).toBe('identity-refused');
  });

  it.each([
    [{ name: 'hub:system:serviceaccount:default:robot' }, {}],
    [{ name: 'b:system:serviceaccount:default:robot' }, { prefix: 'hu' }],
  ])('[ID-22] %o with %o becomes no ServiceAccount of the hub', async (user, rules) => {
    expect(await codeOf(user, rules)).toBe('identity-refused');
  });

  it('[ID-22] an empty one is nobody', async () => {
    expect(await codeOf({ name: '' }, { prefix: 'hub:' })).toBe('identity-missing');
  });
});

describe('groups', () => {
  it('[ID-22] of the hub’s system stay there', () => {
    expect(
      build({
        groups: ['system:masters', 'system:authenticated', 'dev', 'system:serviceaccounts:default', ''],
      }),
    ).toEqual(['Impersonate-User: ana', 'Impersonate-Group: dev']);
    expect(build({ groups: ['system:masters'] }, { groupPrefix: 'hub:' })).toEqual(['Impersonate-User: ana']);
  });

  it('[ID-22] become none of the cluster’s system by a prefix', () => {
    expect(build({ groups: ['masters', 'tem:masters'] }, { groupPrefix: 'system:' })).toHaveLength(1);
    expect(build({ groups: ['tem:masters'] }, { groupPrefix: 'sys' })).toHaveLength(1);
  });
});

describe('what goes along', () => {
  const extra = { scope: ['a', 'b'], 'example.org/Team': ['x'] };

  it('ID-20: no UID and no extra key, unless they are listed', () => {
    expect(build({ uid: '1', extra })).toEqual(['Impersonate-User: ana']);
    expect(build({ uid: '1', extra }, { uid: true })).toEqual([
      'Impersonate-User: ana',
      'Impersonate-Uid: 1',
    ]);
    expect(build({ extra }, { uid: true, extraKeys: ['scope'] })).toEqual([
      'Impersonate-User: ana',
      'Impersonate-Extra-scope: a',
      'Impersonate-Extra-scope: b',
    ]);
  });

  it.each([
    ['example.org/Team', 'example.org%2Fteam'],
    ['a:b c', 'a%3Ab%20c'],
    ['100%', '100%25'],
    ['größe', 'gr%C3%B6%C3%9Fe'],
    ['a\r\nImpersonate-Group: system:masters', 'a%0D%0Aimpersonate-group%3A%20system%3Amasters'],
    ["!#$&'*+-.^_`|~", "!#$&'*+-.^_`|~"],
  ])('[ID-23] an extra key %j is escaped', (key, escaped) => {
    expect(build({ extra: { [key]: ['x'] } }, { extraKeys: [key] })).toEqual([
      'Impersonate-User: ana',
      `Impersonate-Extra-${escaped}: x`,
    ]);
  });
});

describe('values', () => {
  it('[ID-23] are UTF-8, a byte a character', () => {
    expect(
      build({ name: 'zoë 😀', groups: ['größe'] }).map((line) => Buffer.from(line, 'latin1').toString()),
    ).toEqual(['Impersonate-User: zoë 😀', 'Impersonate-Group: größe']);
  });

  it('[ID-23] of 10 KiB are whole', () => {
    const name = 'a'.repeat(10 * 1024);
    expect(build({ name })).toEqual([`Impersonate-User: ${name}`]);
  });

  it.each(['\r', '\n', '\0', '\x7f', '\t', '\x85', '\ud800'])(
    '[ID-23] with %j go to no cluster',
    async (character) => {
      const bad = `a${character}b`;
      expect(await codeOf({ name: bad })).toBe('identity-refused');
      expect(await codeOf({ groups: ['a', bad] })).toBe('identity-refused');
      expect(await codeOf({ uid: bad }, { uid: true })).toBe('identity-refused');
      expect(await codeOf({ extra: { key: ['a', bad] } }, { extraKeys: ['key'] })).toBe('identity-refused');
      expect(await codeOf({}, { prefix: bad })).toBe('identity-refused');
    },
  );

  it.each([' ana', 'ana ', 'ana\u00a0'])(
    '[ID-23] %j would arrive as another, and goes to no cluster',
    async (name) => {
      expect(await codeOf({ name })).toBe('identity-refused');
      expect(await codeOf({ groups: [name] })).toBe('identity-refused');
    },
  );
});
