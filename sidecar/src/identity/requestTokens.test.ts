import { type IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { parseTrustedProxies } from '../config/trustedProxies.ts';
import { findRequestTokens } from './requestTokens.ts';

function find(headers: IncomingHttpHeaders): string[] {
  const request = new IncomingMessage(new Socket());
  request.headers = headers;
  return findRequestTokens(request).map(({ token, origin }) => `${origin} ${token}`);
}

const protocolOf = (token: string): string =>
  `base64url.bearer.authorization.k8s.io.${Buffer.from(token).toString('base64url')}`;

it('ID-01: subprotocol, session cookie, bearer, in this order', () => {
  expect(
    find({
      authorization: 'Bearer third',
      cookie: 'cluster-inventory-session.0=second',
      'sec-websocket-protocol': `v5.channel.k8s.io, ${protocolOf('first')}, ${protocolOf('ignored')}`,
    }),
  ).toEqual(['subprotocol first', 'cookie second', 'bearer third']);
});

it('ID-01: the same one twice is one', () => {
  expect(find({ authorization: 'Bearer same', cookie: 'cluster-inventory-session.0=same' })).toEqual([
    'cookie same',
  ]);
});

describe('the header of a proxy in front', () => {
  const behind = (
    address: string,
    values: readonly string[],
    headers: IncomingHttpHeaders = {},
  ): string[] => {
    const request = new IncomingMessage(new Socket());
    Object.defineProperty(request.socket, 'remoteAddress', { value: address });
    request.headers = headers;
    request.headersDistinct = { 'x-token': [...values] };
    return findRequestTokens(request, {
      tokenHeader: 'x-token',
      trustedProxies: parseTrustedProxies(['10.0.0.0/8']),
    }).map(({ token, origin }) => `${origin} ${token}`);
  };

  it('[ID-01] counts after the session cookie and before Authorization', () => {
    expect(
      behind('10.1.2.3', ['third'], {
        authorization: 'Bearer fourth',
        cookie: 'cluster-inventory-session.0=second',
        'sec-websocket-protocol': protocolOf('first'),
      }),
    ).toEqual(['subprotocol first', 'cookie second', 'proxy third', 'bearer fourth']);
  });

  it('[ID-01, OP-25] counts for none of who is no trusted proxy', () => {
    expect(behind('11.1.2.3', ['a'])).toEqual([]);
    expect(find({ 'x-token': 'a' })).toEqual([]);
  });

  it.each<[readonly string[]]>([[['a', 'b']], [['a', 'a']], [['']], [['a b']], [['Bearer a']]])(
    '[ID-01] %j counts as none',
    (values) => {
      expect(behind('10.1.2.3', values)).toEqual([]);
    },
  );
});

describe('Authorization', () => {
  it.each(['Bearer a.b-c_d', 'bearer a.b-c_d', 'BEARER   a.b-c_d  '])('ID-01: %j is one', (authorization) => {
    expect(find({ authorization })).toEqual(['bearer a.b-c_d']);
  });

  it.each([
    '',
    'Bearer',
    'Bearer ',
    'Basic YTpi',
    'Bearer a b',
    'Bearera',
    'Negotiate Bearer a',
    'Bearer t\xf6ken',
  ])('ID-01: %j counts as none', (authorization) => {
    expect(find({ authorization })).toEqual([]);
  });
});

describe('Sec-WebSocket-Protocol', () => {
  it.each([
    'v5.channel.k8s.io',
    'base64url.bearer.authorization.k8s.io.',
    'base64url.bearer.authorization.k8s.io.a+b',
    'base64url.bearer.authorization.k8s.io.YQ==',
    'base64url.headlamp.authorization.k8s.io.YQ',
    // One that a hub would read up to the space alone, and one that breaks a header.
    protocolOf('good x'),
    protocolOf('good\r\nImpersonate-User: admin'),
    protocolOf('t\xf6ken'),
  ])('ID-01: %j counts as none', (protocol) => {
    expect(find({ 'sec-websocket-protocol': protocol })).toEqual([]);
  });
});

describe('Cookie', () => {
  it.each([
    'cluster-inventory-session.0=',
    'cluster-inventory-session.1=a',
    'cluster-inventory-session=a',
    'x-cluster-inventory-session.0=a',
    'cluster-inventory-session.0=good x',
    'headlamp-auth-main.0=a',
    ';;;=;',
  ])('ID-04: %j is no session', (cookie) => {
    expect(find({ cookie })).toEqual([]);
  });

  it.each([
    'cluster-inventory-session.0=a=b=',
    'x;y=z ;  cluster-inventory-session.0=a=b= ; other="a; b"',
    'cluster-inventory-session.0=a=b=; cluster-inventory-session.0=other',
  ])('ID-04: %j is one', (cookie) => {
    expect(find({ cookie })).toEqual(['cookie a=b=']);
  });
});
