import { describe, expect, it } from 'vitest';
import { type HeaderPairs, pairHeaders } from './headerPairs.ts';
import { buildRequestHeaders, type RequestHeaderOptions } from './requestHeaders.ts';

const connection = { protocol: 'https:', hostHeader: 'api.example:6443', disableCompression: false } as const;

type Options = Partial<Omit<RequestHeaderOptions, 'client'>>;

const build = (client: HeaderPairs, options: Options = {}): HeaderPairs =>
  pairHeaders(
    buildRequestHeaders({
      client: client.flat(),
      connection,
      authorization: undefined,
      identity: [],
      withheld: new Set(),
      requestId: 'id-1',
      isProxySubresource: false,
      upgrade: undefined,
      ...options,
    }),
  );

/** Without the ones that are always there. */
const passed = (client: HeaderPairs, options: Options = {}): HeaderPairs =>
  build(client, options).filter(([name]) => name !== 'Host' && name !== 'Audit-ID');

const names = (headers: HeaderPairs): string[] => headers.map(([name]) => name);

it('PX-10: keeps repeated headers, their order and the case of their names; Host is the cluster’s', () => {
  expect(
    build([
      ['host', 'dashboard.example'],
      ['aCCept', 'a'],
      ['IF-Match', 'x'],
      ['Accept', 'b'],
    ]),
  ).toEqual([
    ['Host', 'api.example:6443'],
    ['aCCept', 'a'],
    ['IF-Match', 'x'],
    ['Accept', 'b'],
    ['Audit-ID', 'id-1'],
  ]);
});

it('PX-12: who has sent hundreds of names before changes nothing', () => {
  const many = Array.from({ length: 1200 }, (_, index): [string, string] => [`Accept-${index}`, 'x']);
  expect(passed(many)).toEqual(many);
  for (const isProxySubresource of [false, true, false])
    expect(
      names(
        passed(
          [
            ['X-A', '1'],
            ['Accept', '2'],
            ['Cookie', '3'],
            ['TE', '4'],
          ],
          { isProxySubresource },
        ),
      ),
    ).toEqual(isProxySubresource ? ['X-A', 'Accept'] : ['Accept']);
});

it('PX-10: an app is told no other Host either', () => {
  const headers = build([['Host', 'dashboard.example']], { isProxySubresource: true });
  expect(headers.filter(([name]) => name.toLowerCase() === 'host')).toEqual([['Host', 'api.example:6443']]);
});

describe('hop-by-hop headers', () => {
  it('PX-11: go, and so does all that Connection names', () => {
    const client: HeaderPairs = [
      ['Connection', 'keep-alive, Accept'],
      ['connection', 'IF-MATCH'],
      ['Keep-Alive', 'timeout=5'],
      ['TE', 'trailers'],
      ['Trailer', 'x'],
      ['Transfer-Encoding', 'chunked'],
      ['Upgrade', 'h2c'],
      ['Proxy-Connection', 'x'],
      ['Proxy-Authorization', 'x'],
      ['Accept', 'a'],
      ['If-Match', 'x'],
      ['Range', 'bytes=0-1'],
    ];
    expect(passed(client, { isProxySubresource: true })).toEqual([['Range', 'bytes=0-1']]);
  });

  it('PX-11, TH-02: cannot remove the credential, the identity or the host', () => {
    const headers = build([['Connection', 'Authorization, Host, Impersonate-User, Audit-ID']], {
      authorization: 'Bearer t',
      identity: [['Impersonate-User', 'jane']],
    });
    expect(headers).toEqual([
      ['Host', 'api.example:6443'],
      ['Authorization', 'Bearer t'],
      ['Audit-ID', 'id-1'],
      ['Impersonate-User', 'jane'],
    ]);
  });
});

describe('which headers pass', () => {
  const allowed = [
    'Accept',
    'Accept-Encoding',
    'Accept-Language',
    'Content-Type',
    'Content-Length',
    'Content-Encoding',
    'User-Agent',
    'If-None-Match',
    'If-Modified-Since',
    'Range',
    'Cache-Control',
    'Kubectl-Command',
    'Kubectl-Session',
    'X-Request-Id',
    'traceparent',
    'tracestate',
    'X-Stream-Protocol-Version',
  ];
  const secrets = [
    'Authorization',
    'Cookie',
    'Proxy-Foo',
    'X-Remote-User',
    'X-Remote-Extra-Scopes',
    'X-Forwarded-For',
    'X-Forwarded-User',
    'X-Forwarded-Id-Token',
    'X-Auth-Request-Email',
    'Forwarded',
    'KUBECONFIG',
    'X-HEADLAMP-USER-ID',
    'X-HEADLAMP_BACKEND-TOKEN',
    'Forward-To',
    'proxy-to',
    'X_Forwarded_User',
    'X_Anything',
    'X-My-Token',
    'X-Amzn-Oidc-Accesstoken',
    'X-Goog-IAP-JWT-Assertion',
    'Cf-Access-Jwt',
    'X-Assertion',
    'Accept_Token',
    'Content-Jwt',
    'Audit-ID',
    'Expect',
  ];
  const pairs = (all: readonly string[]): HeaderPairs => all.map((name) => [name, 'v'] as const);

  it('PX-12: only the ones of the list', () => {
    const others = ['X-Custom', 'Origin', 'Referer', 'DNT', 'Sec-Fetch-Site', 'Sec-WebSocket-Key'];
    expect(names(passed(pairs([...allowed, ...others, ...secrets])))).toEqual(allowed);
  });

  it('PX-12, TH-03, TH-14: under a proxy subresource others too, but none that proves who somebody is', () => {
    const others = ['X-Custom', 'X-CSRF', 'Origin', 'Referer'];
    expect(names(passed(pairs([...allowed, ...others, ...secrets]), { isProxySubresource: true }))).toEqual([
      ...allowed,
      ...others,
    ]);
  });

  it('PX-12, ID-01: never what a proxy in front says about users, however it is called', () => {
    const client = pairs(['X-Who', 'Accept-Identity', 'accept', 'x-other']);
    const withheld = new Set(['x-who', 'accept-identity']);
    expect(names(passed(client, { withheld }))).toEqual(['accept']);
    expect(names(passed(client, { withheld, isProxySubresource: true }))).toEqual(['accept', 'x-other']);
  });

  it('PX-12: the number of a request is ours alone', () => {
    const headers = build([['audit-id', 'theirs']], { isProxySubresource: true });
    expect(headers.filter(([name]) => /audit-id/i.test(name))).toEqual([['Audit-ID', 'id-1']]);
  });

  it('[AC-20] no Accept-Encoding for a cluster with disable-compression', () => {
    const client: HeaderPairs = [
      ['Accept-Encoding', 'gzip'],
      ['Accept', '*/*'],
    ];
    expect(names(passed(client, { connection: { ...connection, disableCompression: true } }))).toEqual([
      'Accept',
    ]);
    expect(names(passed(client))).toEqual(['Accept-Encoding', 'Accept']);
  });

  it.each(['Impersonate-User', 'impersonate-group', 'IMPERSONATE-EXTRA-x', 'Impersonate-Foo'])(
    'TH-01: %s of the client never passes by itself, behind proxy neither',
    (name) => {
      expect(passed([[name, 'system:masters']])).toEqual([]);
      expect(passed([[name, 'system:masters']], { isProxySubresource: true })).toEqual([]);
    },
  );
});

describe('upgrades', () => {
  it('PX-30: every subprotocol in the order offered, known or not, over several headers', () => {
    const headers = passed(
      [
        ['Connection', 'keep-alive, Upgrade'],
        ['Upgrade', 'WebSocket'],
        ['Sec-WebSocket-Protocol', 'v5.channel.k8s.io,unknown , v4.channel.k8s.io'],
        ['Sec-WebSocket-Protocol', 'base64.channel.k8s.io'],
        ['Sec-WebSocket-Key', 'a2V5'],
        ['Sec-WebSocket-Extensions', 'permessage-deflate'],
      ],
      { upgrade: 'WebSocket', authorization: 'Bearer t' },
    );
    expect(headers).toEqual([
      ['Sec-WebSocket-Protocol', 'v5.channel.k8s.io, unknown, v4.channel.k8s.io'],
      ['Sec-WebSocket-Protocol', 'base64.channel.k8s.io'],
      ['Sec-WebSocket-Key', 'a2V5'],
      ['Sec-WebSocket-Extensions', 'permessage-deflate'],
      ['Connection', 'Upgrade'],
      ['Upgrade', 'WebSocket'],
      ['Authorization', 'Bearer t'],
    ]);
  });

  it('PX-35: no subprotocol that is a credential; none left, no header', () => {
    const secret = 'base64url.bearer.authorization.k8s.io.c2VjcmV0';
    const protocols = (value: string): HeaderPairs =>
      passed([['Sec-WebSocket-Protocol', value]], { upgrade: 'websocket' }).filter(
        ([name]) => name === 'Sec-WebSocket-Protocol',
      );
    expect(protocols(`${secret}, base64.binary.k8s.io`)).toEqual([
      ['Sec-WebSocket-Protocol', 'base64.binary.k8s.io'],
    ]);
    expect(protocols(`${secret},BASE64URL.headlamp.user`)).toEqual([]);
  });
});
