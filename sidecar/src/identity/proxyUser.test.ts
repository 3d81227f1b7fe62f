import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { parseTrustedProxies } from '../config/trustedProxies.ts';
import { CodedError } from '../foundation/errors.ts';
import { readProxyUser } from './proxyUser.ts';
import type { User } from './user.ts';

const secret = 'a-secret-of-the-proxy';

interface Sent {
  readonly address?: string;
  readonly user?: readonly string[];
  readonly groups?: readonly string[];
  readonly secret?: readonly string[];
}

/** As they come: each byte a character. */
const bytes = (texts: readonly string[]): string[] =>
  texts.map((text) => Buffer.from(text, 'utf8').toString('latin1'));

function read({ address = '10.0.0.1', user = ['ana'], groups = [], secret: shown = [secret] }: Sent): User {
  const request = new IncomingMessage(new Socket());
  Object.defineProperty(request.socket, 'remoteAddress', { value: address });
  request.headersDistinct = { user: [...user], groups: [...groups], secret: [...shown] };
  return readProxyUser(request, {
    trustedProxies: parseTrustedProxies(['10.0.0.1']),
    usernameHeader: 'user',
    groupHeader: 'groups',
    secretHeader: 'secret',
    secret: () => secret,
  });
}

function refusalOf(sent: Sent): string {
  try {
    read(sent);
  } catch (thrown) {
    if (thrown instanceof CodedError) return thrown.code;
    throw thrown;
  }
  throw new Error('accepted');
}

it('[ID-02] a user has the name and groups that the proxy says, and is one whom the API server knows', () => {
  expect(read({ user: bytes(['jürgen']), groups: bytes(['dev, öps', 'x,,dev ']) })).toEqual({
    name: 'jürgen',
    uid: '',
    groups: ['dev', 'öps', 'x', 'system:authenticated'],
    extra: {},
  });
});

describe('who proves nothing', () => {
  it.each<[string, Sent]>([
    ['from another address', { address: '10.0.0.2' }],
    ['without the secret', { secret: [] }],
    ['with an empty secret', { secret: [''] }],
    ['with another secret', { secret: ['a-secret-of-the-proxx'] }],
    ['with its beginning', { secret: [secret.slice(0, -1)] }],
    ['with more than it', { secret: [`${secret}x`] }],
    ['with a second one', { secret: [secret, 'x'] }],
    ['with it twice', { secret: [secret, secret] }],
    ['without a user', { user: [] }],
    ['with an empty user', { user: [''] }],
  ])('[ID-02, TH-03] is nobody: %s', (_, sent) => {
    expect(refusalOf(sent)).toBe('sign-in-required');
  });
});

it('[ID-02, TH-03] two names are no user', () => {
  expect(refusalOf({ user: ['ana', 'ben'] })).toBe('users-differ');
});

it.each(['system:admin', 'system:', 'system:anonymous', 'system:serviceaccount:default:robot'])(
  '[ID-22] %s comes from no proxy',
  (name) => {
    expect(refusalOf({ user: [name] })).toBe('identity-refused');
  },
);

it('[ID-22, TH-01] no group of the hub’s system comes from a proxy', () => {
  expect(read({ groups: ['system:masters', 'a, system:masters,system:nodes', ' system:x'] }).groups).toEqual([
    'a',
    'system:authenticated',
  ]);
});

it.each<[string, Sent]>([
  ['bytes that are no UTF-8', { user: ['j\xfcrgen'] }],
  ['a control character', { user: bytes(['ana\u0085']) }],
  ['groups that are no UTF-8', { groups: ['\xff'] }],
])('[ID-23, TH-08] %s are refused, not made something else of', (_, sent) => {
  expect(refusalOf(sent)).toBe('identity-refused');
});
