import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { CodedError } from '../../src/foundation/errors.ts';
import { allowTraffic, person } from '../support/fakeReviews.ts';
import { openRawClient, parseAnswer, type RawClient } from '../support/rawClient.ts';
import type { UpstreamConnection } from '../support/recordingUpstream.ts';
import { startUsers, type UsersOptions, type UsersProxy } from '../support/startUsers.ts';
import { until } from '../support/until.ts';

const minuteMs = 60_000;
const pod = '/api/v1/namespaces/n/pods/p';
const allows = allowTraffic({ ana: ['get', 'create'] });

let started: UsersProxy;
afterEach(() => started.close());

async function start(options: UsersOptions = {}): Promise<void> {
  const extra = { 'authentication.kubernetes.io/credential-id': ['JTI=1'] };
  started = await startUsers({ users: { first: person('ana', { extra }) }, allows, ...options });
}

interface Stream {
  readonly client: RawClient;
  readonly connection: UpstreamConnection;
}

const kinds = [
  'a watch',
  'a WebSocket watch',
  'a watch behind another',
  'a terminal',
  'a SPDY terminal',
  'a log',
  'an app',
] as const;
type Kind = (typeof kinds)[number];

const upgradeTo = (protocol: string): string => `Connection: Upgrade\r\nUpgrade: ${protocol}\r\n`;
const forms: Readonly<Record<Kind, readonly [line: string, headers: string]>> = {
  'a watch': ['GET /api/v1/pods?watch=true', ''],
  'a WebSocket watch': ['GET /api/v1/pods?watch=true', upgradeTo('websocket')],
  'a terminal': [`GET ${pod}/exec?command=sh`, upgradeTo('websocket')],
  'a SPDY terminal': [`POST ${pod}/exec?command=sh`, upgradeTo('SPDY/3.1')],
  // An API server reads the first of these as something else's name.
  'a watch behind another': ['GET /api/v1/pods??watch=false&watch=true', ''],
  'a log': [`GET ${pod}/log?follow=true`, ''],
  'an app': [`GET ${pod}/proxy/events`, ''],
};

/** Up to where both ends have heard of each other. */
async function open(kind: Kind, credential = 'Authorization: Bearer first'): Promise<Stream> {
  const [line, headers] = forms[kind];
  const [method = '', rest = ''] = line.split(' ');
  const client = await openRawClient(started.proxy.port);
  const count = started.upstream.connections.length;
  client.send(
    `${method} ${started.proxy.pathOf('a')}${rest} HTTP/1.1\r\nHost: ${started.proxy.host}\r\n${headers}${credential}\r\n\r\n`,
  );
  const connection = await started.upstream.connection(count);
  await connection.waitFor('\r\n\r\n');
  connection.send(
    headers === ''
      ? 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'
      : `HTTP/1.1 101 Switching Protocols\r\n${headers}\r\nhello`,
  );
  await client.waitFor('hello');
  return { client, connection };
}

async function expectOpen({ client, connection }: Stream): Promise<void> {
  const before = client.received.length;
  connection.send(client.received.includes('101 Switching') ? 'onwards' : '7\r\nonwards\r\n');
  await until('more of it', () => client.received.length > before || client.outcome !== undefined);
  expect([client.outcome, client.received.slice(before)]).toEqual([
    undefined,
    expect.stringContaining('onwards'),
  ]);
}

async function expectEnded({ client, connection }: Stream): Promise<void> {
  await client.waitForEnd();
  // Never the last chunk, which would be a clean end.
  expect(client.received).not.toContain('\r\n0\r\n\r\n');
  await connection.waitForClose();
}

/** Minute by minute, with what the hub is asked in each. */
async function pass(minutes: number, stream: Stream): Promise<void> {
  for (let minute = 0; minute < minutes; minute++) {
    const { length } = started.reviews.askedAccess;
    started.clock.advance(minuteMs);
    await until(
      'the hub is asked',
      () => started.reviews.askedAccess.length > length || stream.client.outcome !== undefined,
    );
    // Answers of the hub take a turn each.
    await wait(10);
  }
}

describe.each(kinds)('%s', (kind) => {
  it('[ID-14] ends within a minute after the right is withdrawn', async () => {
    await start();
    const stream = await open(kind);
    await pass(3, stream);
    await expectOpen(stream);
    started.reviews.allows = () => false;
    started.clock.advance(minuteMs - 1);
    await wait(10);
    await expectOpen(stream);
    started.clock.advance(1);
    await expectEnded(stream);
  });

  it('[ID-14] ends at once with its session, and no other', async () => {
    await start();
    started.reviews.users.set('second', person('ana'));
    const stream = await open(kind);
    const other = await open(kind, 'Authorization: Bearer second');
    started.gate.signOut('first');
    await expectEnded(stream);
    await expectOpen(other);
  });

  it('[ID-14] is watched over no longer than it lasts', async () => {
    await start();
    const { client } = await open(kind);
    expect(started.clock.pending).toBe(1);
    client.socket.resetAndDestroy();
    await until('nothing waits', () => started.clock.pending === 0);
  });
});

it('[ID-14, ID-24] a stream of somebody who acts as another ends with the right to do so', async () => {
  await start();
  let mayImpersonate = true;
  started.reviews.allows = ({ name }, { verb }) =>
    verb === 'impersonate' ? name === 'ana' && mayImpersonate : name === 'ben';
  const stream = await open('a terminal', 'Authorization: Bearer first\r\nImpersonate-User: ben');
  await pass(2, stream);
  await expectOpen(stream);
  mayImpersonate = false;
  await pass(1, stream);
  await expectEnded(stream);
});

describe('a token that has come to its end', () => {
  it('[ID-14] ends a stream only after the grace', async () => {
    await start({ streamGraceMs: 5 * minuteMs });
    const stream = await open('a terminal');
    await pass(2, stream);
    started.reviews.users.clear();
    await pass(4, stream);
    await expectOpen(stream);
    await pass(1, stream);
    await expectEnded(stream);
  });

  it('[ID-14] ends it at once where there is no grace, and a good token does not', async () => {
    await start({ streamGraceMs: 0 });
    const stream = await open('a watch');
    await pass(2, stream);
    await expectOpen(stream);
    started.reviews.users.clear();
    await pass(1, stream);
    await expectEnded(stream);
  });

  it('[ID-14] ends none, without any grace, whose session goes on with a newer one', async () => {
    await start({ streamGraceMs: 0 });
    const stream = await open('a terminal');
    started.reviews.users.delete('first');
    started.reviews.users.set('newer', person('ana'));
    started.gate.renew('first', 'newer');
    await pass(3, stream);
    await expectOpen(stream);
    started.reviews.users.delete('newer');
    await pass(1, stream);
    await expectEnded(stream);
  });

  it('[ID-14] ends none while the same user comes with a newer one', async () => {
    await start({ streamGraceMs: 5 * minuteMs });
    const stream = await open('a terminal');
    started.reviews.users.clear();
    const extra = { 'authentication.kubernetes.io/credential-id': ['JTI=2'] };
    started.reviews.users.set('newer', person('ana', { extra }));
    await pass(4, stream);
    const newer = await open('a watch', 'Authorization: Bearer newer');
    newer.client.socket.destroy();
    await pass(4, stream);
    await expectOpen(stream);
    await pass(1, stream);
    await expectEnded(stream);
  });
});

describe('a hub that cannot be asked', () => {
  it('[ID-14, ID-18] keeps no stream by a newer token that it could not confirm', async () => {
    const users = { first: person('ana'), newer: person('ana') };
    await start({ users, streamGraceMs: 4 * minuteMs });
    const stream = await open('a terminal');
    const come = async (): Promise<void> => {
      const { client } = await open('a watch', 'Authorization: Bearer newer');
      client.socket.destroy();
    };
    await come();
    started.reviews.users.delete('first');
    await pass(2, stream);
    started.reviews.isAway = true;
    await come();
    started.reviews.isAway = false;
    await pass(1, stream);
    await expectOpen(stream);
    await pass(1, stream);
    await expectEnded(stream);
  });

  it('[ID-14, ID-18] ends no stream within the grace of an outage, and each after it', async () => {
    await start();
    const stream = await open('a terminal');
    started.reviews.isAway = true;
    await pass(4, stream);
    await expectOpen(stream);
    await pass(1, stream);
    await expectEnded(stream);
  });

  it('[ID-14, ID-18] that answers again in time ends none', async () => {
    await start();
    const stream = await open('a terminal');
    started.reviews.isAway = true;
    await pass(4, stream);
    started.reviews.isAway = false;
    await pass(10, stream);
    await expectOpen(stream);
  });
});

describe.each(['a watch', 'a terminal'] as const)('%s whose cluster is still being prepared', (kind) => {
  it('[ID-14] is not begun when its session ends meanwhile', async () => {
    await start();
    const plugin = Promise.withResolvers<undefined>();
    let isAsked = false;
    started.proxy.credentialsOf('a').answer = async () => {
      isAsked = true;
      await plugin.promise;
      return { token: 'provider', connectionKey: '' };
    };
    const [line, headers] = forms[kind];
    const [method = '', rest = ''] = line.split(' ');
    const client = await openRawClient(started.proxy.port);
    client.send(
      `${method} ${started.proxy.pathOf('a')}${rest} HTTP/1.1\r\nHost: ${started.proxy.host}\r\n` +
        `${headers}Authorization: Bearer first\r\n\r\n`,
    );
    await until('the plugin runs', () => isAsked);
    started.gate.signOut('first');
    plugin.resolve(undefined);
    expect(parseAnswer(await client.waitFor('\r\n\r\n')).status).toBe(401);
    expect(started.upstream.connections).toEqual([]);
    client.socket.destroy();
    expect(started.clock.pending).toBe(0);
  });

  it('[ID-14] is watched over no longer than until it is refused', async () => {
    await start({ rules: { mode: 'shared', readOnly: true } });
    started.proxy.credentialsOf('a').answer = () => Promise.reject(new CodedError('plugin-exited'));
    const [line, headers] = forms[kind];
    const [method = '', rest = ''] = line.split(' ');
    const client = await openRawClient(started.proxy.port);
    client.send(
      `${method} ${started.proxy.pathOf('a')}${rest} HTTP/1.1\r\nHost: ${started.proxy.host}\r\n` +
        `${headers}Authorization: Bearer first\r\n\r\n`,
    );
    expect(parseAnswer(await client.waitFor('\r\n\r\n')).status).toBe(502);
    client.socket.destroy();
    expect(started.clock.pending).toBe(0);
  });
});

it('[ID-14] an upgrade that is waited for ends with the right to it, and says so', async () => {
  await start();
  const client = await openRawClient(started.proxy.port);
  client.send(
    `GET ${started.proxy.pathOf('a')}${pod}/exec HTTP/1.1\r\nHost: ${started.proxy.host}\r\n` +
      `${upgradeTo('websocket')}Authorization: Bearer first\r\n\r\n`,
  );
  const connection = await started.upstream.connection(0);
  await connection.waitFor('\r\n\r\n');
  started.reviews.allows = () => false;
  started.clock.advance(minuteMs);
  expect(parseAnswer(await client.waitForEnd()).status).toBe(403);
  await connection.waitForClose();
});

it('[ID-14, ID-22] who may not be carried over leaves nothing behind that goes on asking', async () => {
  await start({ users: { first: person('system:admin') }, allows: () => true });
  const client = await openRawClient(started.proxy.port);
  client.send(
    `GET ${started.proxy.pathOf('a')}/api/v1/pods?watch=1 HTTP/1.1\r\nHost: ${started.proxy.host}\r\n` +
      'Connection: close\r\nAuthorization: Bearer first\r\n\r\n',
  );
  expect(parseAnswer(await client.waitForEnd()).status).toBe(403);
  expect(started.clock.pending).toBe(0);
});
