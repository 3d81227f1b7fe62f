import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { person } from '../support/fakeReviews.ts';
import { exchangeRaw } from '../support/rawClient.ts';
import { answerWith } from '../support/recordingUpstream.ts';
import { startUsers, type UsersProxy } from '../support/startUsers.ts';
import { until } from '../support/until.ts';

let users: UsersProxy;
afterEach(() => users.close());

async function start(...answers: readonly string[]): Promise<void> {
  users = await startUsers({ users: { t: person('ana') }, allows: () => true });
  users.upstream.answers.push(...answers);
}

const ask = () =>
  exchangeRaw(
    users.proxy.port,
    users.proxy.request(`GET ${users.proxy.pathOf('a')}/api/v1/secrets`, ['Authorization: Bearer t']),
  );

/** On a connection of its own: the upstream of a test reads no request behind a body. */
const review = (allowed: boolean): string =>
  answerWith(JSON.stringify({ status: { allowed } }), '201 Created', 'Connection: close\r\n');

describe('[ID-25] a 403 of a cluster to somebody who is impersonated', () => {
  it('is theirs where the provider may impersonate, in the old way or the new', async () => {
    for (const reviews of [[review(true)], [review(false), review(true)]]) {
      await start(answerWith('not yours', '403 Forbidden'), ...reviews);
      const { status, body } = await ask();
      expect([status, body]).toEqual([403, 'not yours']);
      expect(users.upstream.heads).toHaveLength(1 + reviews.length);
      // The questions are the provider's own.
      for (const head of users.upstream.heads.slice(1)) expect(head).not.toContain('Impersonate');
      await users.close();
    }
    await start();
  });

  it('is the provider’s where it may not', async () => {
    await start(answerWith('cannot impersonate', '403 Forbidden'), review(false), review(false));
    const { status, headers } = await ask();
    expect(status).toBe(502);
    expect(headers).toContain('X-Cluster-Inventory-Error: provider-may-not-impersonate');
    expect(users.proxy.entryOf('a').status.state).toBe('impersonation-refused');
  });

  it('is the provider’s where that comes in pieces, which are read into the same memory', async () => {
    await start(answerWith('cannot impersonate', '403 Forbidden'));
    const asking = ask();
    for (const index of [1, 2]) {
      const connection = await users.upstream.connection(index);
      await until('it is asked', () => users.upstream.heads.length > index);
      for (const piece of review(false).match(/^[^{]+|.{1,9}/g) ?? []) {
        connection.send(piece);
        await wait(5);
      }
    }
    expect((await asking).headers).toContain('X-Cluster-Inventory-Error: provider-may-not-impersonate');
  });

  it('is asked about again as soon as the provider may', async () => {
    const forbidden = answerWith('not yours', '403 Forbidden');
    await start(forbidden, review(false), review(false), forbidden, review(true), forbidden);
    expect((await ask()).status).toBe(502);
    expect((await ask()).status).toBe(403);
    // A yes is remembered for a moment.
    expect((await ask()).status).toBe(403);
    expect(users.upstream.heads).toHaveLength(6);
  });

  it.each(['/api/v1/secrets', '/api/v1/secrets?watch=1'])(
    'of %s is not passed on once the access is withdrawn, of which it says nothing either',
    async (path) => {
      await start(answerWith('not yours', '403 Forbidden'));
      const { proxy, upstream } = users;
      const headers = ['Authorization: Bearer t'];
      const asking = exchangeRaw(proxy.port, proxy.request(`GET ${proxy.pathOf('a')}${path}`, headers));
      await until('the question', () => upstream.heads.length === 2);
      proxy.publish('a', { server: 'nonsense' });
      const answer = await asking;
      expect(answer.status).toBe(502);
      expect(answer.headers).toContain('X-Cluster-Inventory-Error: server-invalid');
      expect(proxy.entryOf('a').status.state).toBe('invalid');
    },
  );

  it('passes as it is where nobody can say', async () => {
    await start(answerWith('not yours', '403 Forbidden'), answerWith('oops', '500 Internal Server Error'));
    expect((await ask()).status).toBe(403);
  });
});
