import { afterEach, describe, expect, it } from 'vitest';
import type { Credential } from '../../src/credentials/credential.ts';
import { allowTraffic, person } from '../support/fakeReviews.ts';
import { exchangeRaw, openRawClient, parseAnswer, type RawClient } from '../support/rawClient.ts';
import { answerWith, type UpstreamConnection } from '../support/recordingUpstream.ts';
import { createSelfSignedPair } from '../support/selfSignedPair.ts';
import { startUsers, type UsersProxy } from '../support/startUsers.ts';

const hubToken = 'ana-secret';
const encodedHubToken = Buffer.from(hubToken).toString('base64url');
const pair = createSelfSignedPair('provider');
const exec = '/api/v1/namespaces/default/pods/p/exec?command=sh&stdin=true&tty=true';

/** What a plugin answered, and what of it a cluster sees. */
const credentials: readonly [name: string, credential: Credential, seen: object][] = [
  [
    'a token',
    { token: 'token-of-the-plugin', connectionKey: '' },
    { authorization: ['Authorization: Bearer token-of-the-plugin'], certificate: undefined },
  ],
  [
    'a client certificate',
    {
      clientCertificate: { certificate: pair.certificate, key: pair.key },
      connectionKey: 'one',
    },
    { authorization: [], certificate: 'provider' },
  ],
  [
    'both',
    {
      token: 'token-of-the-plugin',
      clientCertificate: { certificate: pair.certificate, key: pair.key },
      connectionKey: 'one',
    },
    { authorization: ['Authorization: Bearer token-of-the-plugin'], certificate: 'provider' },
  ],
];

interface Kind {
  readonly upgrade: string;
  readonly method: string;
  /** As a browser or kubectl sends them, the hub's token among them. */
  readonly headers: readonly string[];
  /** What of them the cluster sees. */
  readonly seen: readonly string[];
  /** In the answer of the cluster: not the first that was offered. */
  readonly chosen: string;
}

const kinds: Readonly<Record<string, Kind>> = {
  'a WebSocket of a browser': {
    upgrade: 'websocket',
    method: 'GET',
    headers: [
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      `Sec-WebSocket-Protocol: v5.channel.k8s.io, base64url.bearer.authorization.k8s.io.${encodedHubToken}, v4.channel.k8s.io`,
    ],
    seen: [
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Protocol: v5.channel.k8s.io, v4.channel.k8s.io',
    ],
    chosen: 'Sec-WebSocket-Protocol: v4.channel.k8s.io',
  },
  'SPDY of kubectl': {
    upgrade: 'SPDY/3.1',
    method: 'POST',
    headers: [
      `Authorization: Bearer ${hubToken}`,
      'X-Stream-Protocol-Version: v5.channel.k8s.io',
      'X-Stream-Protocol-Version: v4.channel.k8s.io',
    ],
    seen: ['X-Stream-Protocol-Version: v5.channel.k8s.io', 'X-Stream-Protocol-Version: v4.channel.k8s.io'],
    chosen: 'X-Stream-Protocol-Version: v4.channel.k8s.io',
  },
};
const cases = Object.entries(kinds).flatMap(([name, kind]) =>
  credentials.map(
    ([credentialName, credential, seen]) => [name, credentialName, { kind, credential, seen }] as const,
  ),
);

let started: UsersProxy;
/** What was offered by ALPN in each handshake. */
let offered: (readonly string[])[];

/** A cluster that speaks HTTP/2 to whoever offers it, and asks for a client certificate. */
async function start(credential: Credential): Promise<void> {
  offered = [];
  started = await startUsers({
    users: { [hubToken]: person('ana', { groups: ['dev', 'ops'] }) },
    allows: allowTraffic({ ana: ['get', 'create'] }),
    upstream: {
      tls: {
        ALPNProtocols: undefined,
        ALPNCallback: ({ protocols }) => {
          offered.push(protocols);
          return protocols.includes('h2') ? 'h2' : 'http/1.1';
        },
        requestCert: true,
        rejectUnauthorized: false,
      },
    },
  });
  started.proxy.credentialsOf('a').answer = () => Promise.resolve(credential);
}

afterEach(() => started.close());

interface Opened {
  readonly client: RawClient;
  readonly connection: UpstreamConnection;
  readonly head: readonly string[];
}

async function open({ upgrade, method, headers }: Kind): Promise<Opened> {
  const { proxy, upstream } = started;
  const client = await openRawClient(proxy.port);
  client.send(
    [
      `${method} ${proxy.pathOf('a')}${exec} HTTP/1.1`,
      `Host: ${proxy.host}`,
      `Origin: http://${proxy.host}`,
      'Connection: Upgrade',
      `Upgrade: ${upgrade}`,
      ...headers,
      '\r\n',
    ].join('\r\n'),
  );
  const connection = await upstream.connection(upstream.connections.length);
  await connection.waitFor('\r\n\r\n');
  return { client, connection, head: linesOf(upstream.heads.at(-1) ?? '') };
}

function linesOf(head: string): readonly string[] {
  return (
    head
      .trimEnd()
      .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/, '<uuid>')
      .split('\r\n')
      // Whether a POST says that it has no body is the engine's to choose.
      .filter((line) => line !== 'Content-Length: 0')
  );
}

const identityOf = (head: readonly string[]): readonly string[] =>
  head.filter((line) => /^(authorization|impersonate-.*):/i.test(line));

describe('[S02] an upgrade carries what a request does', () => {
  it.each(cases)(
    '[PX-30, PX-31, PX-35, TH-05] %s, where the plugin answers %s',
    async (_name, _credentialName, { kind, credential, seen }) => {
      await start(credential);
      const { proxy, upstream } = started;
      const { client, connection, head } = await open(kind);
      const authorization = identityOf(head).filter((line) => line.startsWith('Authorization'));
      const peer = connection.socket.getPeerCertificate();
      expect({ authorization, certificate: 'subject' in peer ? peer.subject.CN : undefined }).toEqual(seen);
      expect(head).toEqual([
        `${kind.method} ${exec} HTTP/1.1`,
        `Host: 127.0.0.1:${upstream.port}`,
        `Origin: https://127.0.0.1:${upstream.port}`,
        ...kind.seen,
        'Connection: Upgrade',
        `Upgrade: ${kind.upgrade}`,
        ...authorization,
        'Audit-ID: <uuid>',
        'Impersonate-User: ana',
        'Impersonate-Group: dev',
        'Impersonate-Group: ops',
      ]);
      expect(offered).toEqual([['http/1.1']]);
      expect(connection.socket.alpnProtocol).toBe('http/1.1');

      connection.send(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${kind.upgrade}\r\n${kind.chosen}\r\n\r\n`,
      );
      const { status, headers } = parseAnswer(await client.waitFor('\r\n\r\n'));
      expect(status).toBe(101);
      expect(headers.toSorted()).toEqual(
        ['Connection: Upgrade', `Upgrade: ${kind.upgrade}`, kind.chosen].toSorted(),
      );
      client.send('\x82\x00to the cluster');
      await connection.waitFor('\x82\x00to the cluster');
      connection.send('\x82\x00to the client');
      await client.waitFor('\x82\x00to the client');

      upstream.answers.push(answerWith('ok'));
      await exchangeRaw(
        proxy.port,
        proxy.request(`GET ${proxy.pathOf('a')}/api/v1/pods`, [`Authorization: Bearer ${hubToken}`]),
      );
      expect(identityOf(linesOf(upstream.heads.at(-1) ?? ''))).toEqual(identityOf(head));

      const received = upstream.connections.map((each) => each.received).join();
      expect(received).not.toContain(hubToken);
      expect(received).not.toContain(encodedHubToken);
    },
  );
});
