import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { codedErrorOf } from '../../test/support/codedErrorOf.ts';
import { createFakeReviews, person } from '../../test/support/fakeReviews.ts';
import { createManualClock } from '../../test/support/manualClock.ts';
import { createGate } from './gate.ts';

const profile = { namespace: 'fleet', name: 'a' };

function setUp() {
  const clock = createManualClock();
  const reviews = createFakeReviews({
    'ana-1': person('ana'),
    'ana-2': person('ana'),
    'ben-1': person('ben'),
  });
  const gate = createGate({
    reviews,
    clock,
    hashKey: Buffer.from('key'),
    outageGraceMs: 300_000,
    streamGraceMs: 3_600_000,
  });
  const requestOf = (...headers: readonly (readonly [string, string])[]): IncomingMessage => {
    const request = new IncomingMessage(new Socket());
    request.rawHeaders = headers.flat();
    request.headers = Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value]));
    return request;
  };
  const identify = (...headers: readonly (readonly [string, string])[]) =>
    gate.identify(requestOf(...headers));
  return { clock, reviews, gate, requestOf, identify };
}

const bearer = (token: string): readonly [string, string] => ['Authorization', `Bearer ${token}`];
const cookie = (token: string): readonly [string, string] => [
  'Cookie',
  `cluster-inventory-session.0=${token}`,
];

describe('who', () => {
  it('ID-01: is whom the first of several tokens names', async () => {
    const { identify } = setUp();
    expect(await identify(bearer('ana-1'), cookie('ana-2'))).toMatchObject({
      user: { name: 'ana' },
      token: 'ana-2',
      origin: 'cookie',
      isStale: false,
    });
  });

  it('ID-01: is nobody where two good tokens are of two users', async () => {
    const { identify } = setUp();
    expect((await codedErrorOf(() => identify(bearer('ana-1'), cookie('ben-1')))).code).toBe('users-differ');
  });

  it('ID-01: is not changed by a bad token behind a good one, and nobody by one in front', async () => {
    const { identify } = setUp();
    expect((await identify(bearer('bad'), cookie('ana-1'))).user.name).toBe('ana');
    expect((await codedErrorOf(() => identify(bearer('ana-1'), cookie('bad')))).code).toBe('token-rejected');
  });

  it('ID-01: is nobody while the second token cannot be asked about', async () => {
    const { clock, reviews, identify } = setUp();
    await identify(cookie('ana-1'));
    clock.advance(10_000);
    reviews.isAway = true;
    expect(await identify(cookie('ana-1'))).toMatchObject({ isStale: true });
    const error = await codedErrorOf(() => identify(cookie('ana-1'), bearer('ben-1')));
    expect(error.code).toBe('reviews-unavailable');
  });

  it.each([' ; Path=/', ' x', '\r\nSet-Cookie: a=b', '\tx', 'é'])(
    'ID-05: is nobody by a token with %j behind it, which a hub would not read',
    async (rest) => {
      const { reviews, gate } = setUp();
      reviews.users.set(`ana-1${rest}`, person('ana'));
      expect((await gate.identifyToken('ana-1')).name).toBe('ana');
      expect((await codedErrorOf(() => gate.identifyToken(`ana-1${rest}`))).code).toBe('token-rejected');
    },
  );

  it('ID-04: is whom the renewed session names, in the place of the old one', async () => {
    const { gate, requestOf } = setUp();
    const caller = await gate.identify(requestOf(cookie('old')), 'ana-1');
    expect(caller).toMatchObject({ token: 'ana-1', origin: 'cookie', user: { name: 'ana' } });
  });

  it('ID-24: acts as another as the API server would complete them', async () => {
    const { reviews, identify } = setUp();
    reviews.allows = () => true;
    const asked = (name: string, ...groups: string[]) =>
      identify(
        bearer('ana-1'),
        ['Impersonate-User', name],
        ...groups.map((group) => ['Impersonate-Group', group] as const),
      );
    expect((await asked('ben', 'x')).actsAs).toEqual(
      person('ben', { groups: ['x', 'system:authenticated'] }),
    );
    expect((await asked('system:serviceaccount:ns:robot')).actsAs.groups).toEqual([
      'system:serviceaccounts',
      'system:serviceaccounts:ns',
      'system:authenticated',
    ]);
    expect((await asked('system:serviceaccount:ns:robot', 'x')).actsAs.groups).toEqual([
      'x',
      'system:authenticated',
    ]);
  });
});

describe('what', () => {
  it('ID-15: a cluster that may not be seen is none, by get or by list', async () => {
    for (const seenBy of [undefined, 'get', 'list']) {
      const { reviews, gate, identify } = setUp();
      reviews.allows = (_user, { subresource, verb }) => subresource === undefined && verb === seenBy;
      const caller = await identify(bearer('ana-1'));
      const error = await codedErrorOf(() => gate.authorize(caller, profile, 'get', true));
      expect(error.code).toBe(seenBy === undefined ? 'cluster-unknown' : 'access-denied');
    }
  });

  it('ID-15: one that does not exist is none, whatever one may', async () => {
    const { reviews, gate, identify } = setUp();
    reviews.allows = () => true;
    const caller = await identify(bearer('ana-1'));
    await gate.authorize(caller, profile, 'get', true);
    const error = await codedErrorOf(() => gate.authorize(caller, profile, 'get', false));
    expect(error.code).toBe('cluster-unknown');
  });

  it('ID-15: the hub is asked the same of one that does not exist, and its silence is no answer', async () => {
    const questions: unknown[] = [];
    for (const exists of [true, false]) {
      const { reviews, gate, identify } = setUp();
      const caller = await identify(bearer('ana-1'));
      const ask = () => codedErrorOf(() => gate.authorize(caller, profile, 'get', exists));
      reviews.isAway = true;
      expect((await ask()).code).toBe('reviews-unavailable');
      reviews.isAway = false;
      expect((await ask()).code).toBe('cluster-unknown');
      questions.push(reviews.askedAccess.map(({ attributes }) => attributes));
    }
    expect(questions[1]).toEqual(questions[0]);
  });

  it('ID-24: is decided for whom one acts as', async () => {
    const { reviews, gate, identify } = setUp();
    reviews.allows = ({ name }, { verb }) => name === 'ana' && (verb === 'impersonate' || verb === 'delete');
    const caller = await identify(bearer('ana-1'), ['Impersonate-User', 'ben']);
    expect(await gate.may(caller, profile, 'delete')).toBe(false);
    expect(await gate.may({ ...caller, actsAs: caller.user }, profile, 'delete')).toBe(true);
  });

  it('ID-24: that one may oneself is no answer for whom one acts as, also where it is remembered', async () => {
    const { reviews, gate, identify } = setUp();
    reviews.allows = ({ name }) => name === 'ana';
    const ana = await identify(bearer('ana-1'));
    const asBen = await identify(bearer('ana-1'), ['Impersonate-User', 'ben']);
    await gate.authorize(ana, profile, 'delete', true);
    expect(gate.isAuthorized(ana, profile, 'delete')).toBe(true);
    expect(gate.isAuthorized(asBen, profile, 'delete')).toBe(false);
  });

  it('ID-10: takes from the budget of whoever asks, whomever they act as', async () => {
    const { reviews, gate, identify } = setUp();
    reviews.allows = () => true;
    const asBen = await identify(bearer('ana-1'), ['Impersonate-User', 'ben']);
    const ask = (caller: typeof asBen, count: number): Promise<unknown> =>
      Promise.all(
        Array.from({ length: count }, (_, index) =>
          gate.authorize(caller, { namespace: 'fleet', name: `of-${count}-${index}` }, 'get', true),
        ),
      );
    // One was whether she may impersonate him.
    await ask(asBen, 9_999);
    expect((await codedErrorOf(() => ask(asBen, 1))).code).toBe('too-many-reviews');
    await ask(await identify(bearer('ben-1')), 1);
  });

  it('ID-10: takes from it also for what may be seen, by name or of a cluster that there is not', async () => {
    const { reviews, gate, identify } = setUp();
    const ana = await identify(bearer('ana-1'));
    const names = (await codedErrorOf(() => gate.authorize(ana, profile, 'get', true))).code;
    expect([names, reviews.askedAccess.length]).toEqual(['cluster-unknown', 3]);
    const namespaces = Array.from({ length: 3_500 }, (_, index) => ({ namespace: `ns-${index}`, name: 'a' }));
    // Each namespace takes two: whether they may list it, and what rules they have in it.
    await gate.whatIsVisible(ana, namespaces);
    const more = namespaces.map(({ namespace }) => ({ namespace: `more-${namespace}`, name: 'a' }));
    expect((await codedErrorOf(() => gate.whatIsVisible(ana, more))).code).toBe('too-many-reviews');
    expect(reviews.askedAccess.length + reviews.askedRules.length).toBe(10_000);
  });
});
