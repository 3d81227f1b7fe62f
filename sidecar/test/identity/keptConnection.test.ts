import { afterEach, beforeEach, expect, it } from 'vitest';
import { allowTraffic, person } from '../support/fakeReviews.ts';
import { openRawClient, parseAnswer, type RawClient } from '../support/rawClient.ts';
import { answerWith } from '../support/recordingUpstream.ts';
import { startUsers, type UsersProxy } from '../support/startUsers.ts';
import { until } from '../support/until.ts';

/** What is remembered with a connection is never more than what is remembered without. */
let started: UsersProxy;
let client: RawClient;

beforeEach(async () => {
  started = await startUsers({
    users: { 'ana-1': person('ana'), 'ben-1': person('ben') },
    allows: allowTraffic({ ana: ['get', 'create'], ben: ['get'] }),
  });
  client = await openRawClient(started.proxy.port);
});
afterEach(async () => {
  client.socket.destroy();
  await started.close();
});

/** The next request on the one connection: its status, and as whom it went to the cluster. */
async function ask(headers: string, line = 'GET /x'): Promise<readonly [number, string | undefined]> {
  const [method = '', rest = ''] = line.split(' ');
  const { length } = client.received;
  const { length: heads } = started.upstream.heads;
  started.upstream.answers.splice(0, Infinity, answerWith('ok'));
  client.send(
    `${method} ${started.proxy.pathOf('a')}${rest} HTTP/1.1\r\nHost: ${started.proxy.host}\r\n${headers}\r\n\r\n`,
  );
  await until('the whole answer', () => isWhole(client.received.slice(length)));
  const { status } = parseAnswer(client.received.slice(length));
  const user = /^Impersonate-User: (.*)\r$/m.exec(started.upstream.heads.slice(heads).join(''))?.[1];
  return [status, user];
}

function isWhole(text: string): boolean {
  if (!text.includes('\r\n\r\n')) return false;
  const { headers, body } = parseAnswer(text);
  const wanted = headers.find((line) => /^content-length: /i.test(line));
  return body.length >= Number(wanted?.split(': ')[1]);
}

const jwt = (lifeMs: number): string => {
  const payload = JSON.stringify({ exp: (started.clock.now() + lifeMs) / 1000 });
  return `e30.${Buffer.from(payload).toString('base64url')}.x`;
};
const carriers: readonly (readonly [string, (token: string) => string])[] = [
  ['Authorization', (token) => `Authorization: Bearer ${token}`],
  ['the session', (token) => `Cookie: cluster-inventory-session.0=${token}`],
];

it.each(carriers)(
  '[ID-01, TH-07] %s of each request counts, not that of the one before',
  async (_by, send) => {
    expect(await ask(send('ana-1'))).toEqual([200, 'ana']);
    expect(await ask(send('ben-1'))).toEqual([200, 'ben']);
    expect(await ask(send('ana-1'))).toEqual([200, 'ana']);
    expect(await ask('Accept: text/plain')).toEqual([401, undefined]);
    expect(await ask(send('ana-1'))).toEqual([200, 'ana']);
  },
);

it('[ID-01] a second token beside the same one counts', async () => {
  const [[, asBearer], [, asCookie]] = carriers as [(typeof carriers)[0], (typeof carriers)[0]];
  expect(await ask(asCookie('ana-1'))).toEqual([200, 'ana']);
  expect(await ask(`${asCookie('ana-1')}\r\n${asBearer('ben-1')}`)).toEqual([401, undefined]);
  expect(await ask(asBearer('ben-1'))).toEqual([200, 'ben']);
});

it.each(carriers)('[ID-06] a token in %s is asked about again after 10 s', async (_by, send) => {
  expect(await ask(send('ana-1'))).toEqual([200, 'ana']);
  started.reviews.users.delete('ana-1');
  started.clock.advance(9_999);
  expect(await ask(send('ana-1'))).toEqual([200, 'ana']);
  started.clock.advance(1);
  expect(await ask(send('ana-1'))).toEqual([401, undefined]);
});

it.each(carriers)('[ID-06] a token in %s serves no moment past its end', async (_by, send) => {
  const token = jwt(5_000);
  started.reviews.users.set(token, person('ana'));
  expect(await ask(send(token))).toEqual([200, 'ana']);
  started.clock.advance(4_999);
  expect(await ask(send(token))).toEqual([200, 'ana']);
  started.clock.advance(1);
  expect(await ask(send(token))).toEqual([401, undefined]);
});

it('[ID-06] a token is of whom the hub said last', async () => {
  expect(await ask('Authorization: Bearer ana-1')).toEqual([200, 'ana']);
  expect(await ask('Authorization: Bearer ana-1')).toEqual([200, 'ana']);
  started.reviews.users.set('ana-1', person('ben'));
  started.clock.advance(10_000);
  expect(await ask('Authorization: Bearer ana-1')).toEqual([200, 'ben']);
  expect(await ask('Authorization: Bearer ana-1')).toEqual([200, 'ben']);
});

it('[ID-06] a token that signed out is asked about again', async () => {
  expect(await ask('Authorization: Bearer ana-1')).toEqual([200, 'ana']);
  started.reviews.users.delete('ana-1');
  started.gate.signOut('ana-1');
  expect(await ask('Authorization: Bearer ana-1')).toEqual([401, undefined]);
});

it('[ID-13] a right is asked about again after 10 s, and each verb by itself', async () => {
  expect(await ask('Authorization: Bearer ben-1')).toEqual([200, 'ben']);
  expect((await ask('Authorization: Bearer ben-1\r\nContent-Length: 0', 'POST /x'))[0]).toBe(404);
  started.reviews.allows = () => false;
  started.clock.advance(9_999);
  expect(await ask('Authorization: Bearer ben-1')).toEqual([200, 'ben']);
  started.clock.advance(1);
  expect((await ask('Authorization: Bearer ben-1'))[0]).toBe(404);
});

it('[ID-24] whom a request asks to act as counts for it alone', async () => {
  const asAna = 'Authorization: Bearer ana-1';
  expect(await ask(asAna)).toEqual([200, 'ana']);
  expect((await ask(`${asAna}\r\nImpersonate-User: ben`))[0]).toBe(403);
  started.reviews.allows = ({ name }, { verb }) => name === 'ana' || (name === 'ben' && verb === 'get');
  started.clock.advance(10_000);
  expect(await ask(asAna)).toEqual([200, 'ana']);
  expect(await ask(`${asAna}\r\nimpersonate-user: ben`)).toEqual([200, 'ben']);
  expect(await ask(asAna)).toEqual([200, 'ana']);
});

it('[ID-30] every request has who it is in its line', async () => {
  await ask('Authorization: Bearer ana-1\r\nContent-Length: 0', 'POST /x');
  await ask('Authorization: Bearer ana-1\r\nContent-Length: 0', 'POST /x');
  const users = started.proxy.auditLines.map((line) => (JSON.parse(line) as { user: string }).user);
  expect(users).toEqual(['ana', 'ana']);
});
