import { describe, expect, it } from 'vitest';
import { createHubCookies } from './hubCookies.ts';

const cookies = createHubCookies('main');
const long = 'abc'.repeat(3_000);
const asSet = (header: string, attributes = 'Path=/; Max-Age=100; HttpOnly'): string[] =>
  header.split('; ').map((pair) => `${pair}; ${attributes}`);

describe('what an answer of the dashboard did to the session', () => {
  it('ID-04: set a token, in however many chunks and whatever order', () => {
    const header = cookies.buildCookieHeader(long);
    expect(header.split('; ').map((pair) => pair.split('=')[0])).toEqual([
      'headlamp-auth-main.0',
      'headlamp-auth-main.1',
      'headlamp-auth-main.2',
    ]);
    const expected = { kind: 'set', token: long, maxAgeSeconds: 100, secure: false };
    expect(cookies.readOutcome(asSet(header))).toEqual(expected);
    expect(cookies.readOutcome(['other=1', ...asSet(header).reverse()])).toEqual(expected);
  });

  it('ID-04: set one, and cleared what was left of a longer one', () => {
    expect(
      cookies.readOutcome([
        'headlamp-auth-main.0=short; Max-Age=100; Secure',
        'headlamp-auth-main.1=; Max-Age=0; Secure',
        'headlamp-auth-main.2=old; Max-Age=-1',
      ]),
    ).toEqual({ kind: 'set', token: 'short', maxAgeSeconds: 100, secure: true });
  });

  it('ID-04: cleared it', () => {
    expect(cookies.readOutcome(['headlamp-auth-main.0=; Path=/; Max-Age=0'])).toEqual({ kind: 'cleared' });
    expect(cookies.readOutcome(['headlamp-auth-main.0=old; max-age=0'])).toEqual({ kind: 'cleared' });
    expect(cookies.readOutcome(['headlamp-auth-main.0='])).toEqual({ kind: 'cleared' });
  });

  it('ID-04: cleared what it set before: the last line of a name counts, as in a browser', () => {
    const set = ['headlamp-auth-main.0=new; Max-Age=100', 'headlamp-auth-main.1=er; Max-Age=100'];
    const cleared = 'headlamp-auth-main.0=; Max-Age=0';
    expect(cookies.readOutcome([cleared, ...set, cleared])).toEqual({ kind: 'cleared' });
    expect(cookies.readOutcome([cleared, ...set])).toMatchObject({ kind: 'set', token: 'newer' });
  });

  it.each([
    'headlamp-auth-other.0=x',
    'headlamp-auth-main2.0=x',
    'headlamp-auth-main=x',
    'headlamp-auth-main.x=x',
    'headlamp-auth-main.0',
    'xheadlamp-auth-main.0=x',
    '',
  ])('ID-04: %j did nothing', (line) => {
    expect(cookies.readOutcome([line])).toEqual({ kind: 'untouched' });
  });

  it('ID-04: a token without an age is for a day', () => {
    expect(cookies.readOutcome(['headlamp-auth-main.0=t'])).toMatchObject({ maxAgeSeconds: 86_400 });
  });
});

it('ID-04: the name of the hub is written as Headlamp writes it', () => {
  expect(createHubCookies('a/b:c@d.e_f-1').buildCookieHeader('t')).toBe('headlamp-auth-abcde_f-1.0=t');
  expect(createHubCookies('g'.repeat(60)).buildCookieHeader('t')).toBe(`headlamp-auth-${'g'.repeat(50)}.0=t`);
});
