import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { errorHeader } from '../../src/proxy/status.ts';
import { type FakeDashboard, ownClusters, startFakeDashboard } from '../support/fakeDashboard.ts';
import { person } from '../support/fakeReviews.ts';
import { exchangeRaw, openRawClient, parseAnswer, type RawAnswer } from '../support/rawClient.ts';
import { answerWith } from '../support/recordingUpstream.ts';
import { startUsers, type UsersProxy } from '../support/startUsers.ts';
import { until } from '../support/until.ts';

let dashboard: FakeDashboard;
let started: UsersProxy;

beforeEach(async () => {
  dashboard = await startFakeDashboard();
  started = await startUsers({
    users: { 'ana-1': person('ana'), 'ana-2': person('ana'), 'ben-1': person('ben') },
    allows: ({ name }) => name === 'ana',
    dashboardUrl: dashboard.url,
  });
});

afterEach(async () => {
  await started.close();
  await dashboard.close();
});

const ask = (line: string, headers: readonly string[] = [], body = ''): Promise<RawAnswer> =>
  exchangeRaw(
    started.proxy.port,
    started.proxy.request(
      line,
      [...(body === '' ? [] : [`Content-Length: ${body.length}`]), ...headers],
      body,
    ),
  );

const bearer = (token: string): string => `Authorization: Bearer ${token}`;
const codeOf = ({ headers }: RawAnswer): string | undefined =>
  headers.find((line) => line.startsWith(errorHeader))?.split(': ')[1];
const headersOf = ({ headers }: RawAnswer, name: string): string[] =>
  headers
    .filter((line) => line.toLowerCase().startsWith(`${name}: `))
    .map((line) => line.slice(name.length + 2));

/** A browser's cookies, and what an answer makes of them. */
function createJar(...pairs: readonly string[]) {
  const jar = new Map(pairs.map((pair) => pair.split('=', 2) as [string, string]));
  return {
    header: () => `Cookie: ${[...jar].map(([name, value]) => `${name}=${value}`).join('; ')}`,
    names: () => [...jar.keys()],
    keep(answer: RawAnswer) {
      for (const line of headersOf(answer, 'set-cookie')) {
        const [name = '', value = ''] = (line.split(';')[0] ?? '').split('=');
        if (line.includes('Max-Age=0')) jar.delete(name);
        else jar.set(name, value);
      }
    },
  };
}

const ownOrigin = (): string => `Origin: http://${started.proxy.host}`;
const setToken = (token: string, headers: readonly string[] = [], path = started.proxy.pathOf('a')) =>
  ask(`POST ${path}/set-token`, [ownOrigin(), ...headers], JSON.stringify({ token }));

interface Config {
  readonly clusters: readonly { readonly name: string; readonly auth_type: string }[];
}
const clustersOf = ({ body }: RawAnswer): Config['clusters'] =>
  (JSON.parse(body.slice(body.indexOf('{'), body.lastIndexOf('}') + 1)) as Config).clusters;

describe('/config', () => {
  const nameOfA = (): string => started.proxy.pathOf('a').slice('/clusters/'.length);

  it('[PX-44, ID-05, ID-10] shows each user their own, with the hub’s way of signing in', async () => {
    const ana = await ask('GET /config', [bearer('ana-1')]);
    const ben = await ask('GET /config', [bearer('ben-1')]);
    expect(clustersOf(ana).map(({ name, auth_type }) => [name, auth_type])).toEqual([
      ['main', 'oidc'],
      [nameOfA(), 'oidc'],
    ]);
    expect(clustersOf(ben)).toEqual(ownClusters);
    for (const answer of [ana, ben]) {
      expect(headersOf(answer, 'cache-control')).toEqual(['private, no-cache']);
      expect(headersOf(answer, 'vary').join()).toMatch(/Cookie.*Authorization|Authorization.*Cookie/);
      expect(answer.body).not.toContain(String(started.upstream.port));
    }
  });

  it('[PX-44, ID-10] what is unchanged for one is not for another', async () => {
    const [tag = ''] = headersOf(await ask('GET /config', [bearer('ana-1')]), 'etag');
    const again = await ask('GET /config', [bearer('ana-2'), `If-None-Match: ${tag}`]);
    expect([again.status, again.body]).toEqual([304, '']);
    const ben = await ask('GET /config', [bearer('ben-1'), `If-None-Match: ${tag}`]);
    expect([ben.status, clustersOf(ben)]).toEqual([200, ownClusters]);
    // And the other way round.
    const [bens = ''] = headersOf(ben, 'etag');
    expect((await ask('GET /config', [bearer('ben-1'), `If-None-Match: ${bens}`])).status).toBe(304);
    expect((await ask('GET /config', [bearer('ana-1'), `If-None-Match: ${bens}`])).status).toBe(200);
  });

  it.each<[string, readonly string[], boolean]>([
    ['nobody', [], false],
    ['a token that the hub refuses', [bearer('made-up')], false],
    ['tokens of two users', [bearer('ana-1'), 'Cookie: cluster-inventory-session.0=ben-1'], false],
    ['headers that make no sense', [bearer('ana-1'), 'Impersonate-Group: x'], false],
    ['a hub that cannot be asked', [bearer('ana-1')], true],
  ])('[PX-46, ID-10] for %s is the dashboard’s own answer', async (_who, headers, isAway) => {
    started.reviews.isAway = isAway;
    const answer = await ask('GET /config', headers);
    expect([answer.status, clustersOf(answer)]).toEqual([200, ownClusters]);
    expect(headersOf(answer, 'www-authenticate')).toEqual([]);
  });

  it('[PX-46, ID-18] goes on as it was for who was seen, while the hub is away', async () => {
    await ask('GET /config', [bearer('ana-1')]);
    started.reviews.isAway = true;
    started.clock.advance(240_000);
    expect(clustersOf(await ask('GET /config', [bearer('ana-1')]))).toHaveLength(2);
    started.clock.advance(60_000);
    expect(clustersOf(await ask('GET /config', [bearer('ana-1')]))).toEqual(ownClusters);
  });

  it('[ID-10] shows for 60 s at most what may no longer be seen', async () => {
    expect(clustersOf(await ask('GET /config', [bearer('ana-1')]))).toHaveLength(2);
    started.reviews.allows = () => false;
    started.clock.advance(60_000);
    expect(clustersOf(await ask('GET /config', [bearer('ana-1')]))).toEqual(ownClusters);
  });

  it('[ID-09] is read by no page of another origin', async () => {
    for (const header of ['Origin: http://evil.example', 'Sec-Fetch-Site: cross-site']) {
      const answer = await ask('GET /config', [bearer('ana-1'), header]);
      expect([answer.status, codeOf(answer)]).toEqual([403, 'origin-refused']);
    }
    expect([dashboard.requests, started.reviews.askedTokens]).toEqual([[], []]);
  });
});

describe('signing in', () => {
  const long = 'x'.repeat(9_000);

  it('[ID-04] with a token of 9,000 bytes at a discovered cluster serves the fleet, and the dashboard', async () => {
    started.reviews.users.set(long, person('ana'));
    const jar = createJar();
    const answer = await setToken(long);
    jar.keep(answer);
    expect(answer.status).toBe(200);
    expect(jar.names().sort()).toEqual([
      'cluster-inventory-session.0',
      'cluster-inventory-session.1',
      'cluster-inventory-session.2',
      'headlamp-auth-main.0',
      'headlamp-auth-main.1',
      'headlamp-auth-main.2',
    ]);
    for (const line of headersOf(answer, 'set-cookie').filter((each) =>
      each.startsWith('cluster-inventory'),
    )) {
      expect(line).toMatch(/; Path=\/; Max-Age=86400; HttpOnly; SameSite=Strict$/);
      expect(line.length).toBeLessThanOrEqual(4_096);
    }
    started.upstream.answers.push(answerWith('ok'));
    expect((await ask(`GET ${started.proxy.pathOf('a')}/x`, [jar.header()])).body).toBe('ok');
    expect(started.upstream.heads[0]).toContain('Impersonate-User: ana');
    expect(started.upstream.connections[0]?.received).not.toContain('xxxx');
    // A shorter one leaves nothing of it.
    jar.keep(await setToken('ana-1', [jar.header()]));
    expect(jar.names()).toContain('cluster-inventory-session.0');
    expect(jar.names()).not.toContain('cluster-inventory-session.1');
    const me = await ask(`GET ${started.proxy.pathOf('a')}/me`, [jar.header()]);
    expect(me.body).toContain('"username":"ana"');
  });

  it('[ID-04] at the dashboard’s own cluster serves the fleet too', async () => {
    const jar = createJar();
    jar.keep(await setToken('ana-1', [], '/clusters/main'));
    expect(jar.names().sort()).toEqual(['cluster-inventory-session.0', 'headlamp-auth-main.0']);
  });

  it('[ID-05] with a token that the hub refuses, or cannot be asked about, is no sign-in', async () => {
    const refused = await setToken('made-up');
    expect([refused.status, headersOf(refused, 'set-cookie')]).toEqual([401, []]);
    started.reviews.isAway = true;
    const unknown = await setToken('ana-1');
    expect([unknown.status, headersOf(unknown, 'set-cookie')]).toEqual([502, []]);
    expect(dashboard.requests).toEqual([]);
  });

  it.each(['', '{', '[]', '"token"', '{"token":5}'])(
    '[ID-05] with the body %j makes no session',
    async (body) => {
      const answer = await ask(`POST ${started.proxy.pathOf('a')}/set-token`, [ownOrigin()], body);
      expect(headersOf(answer, 'set-cookie').filter((line) => !line.includes('Max-Age=0'))).toEqual([]);
    },
  );

  it('[ID-09, TH-11] is for pages of our own alone', async () => {
    for (const headers of [[], ['Origin: http://evil.example'], ['Sec-Fetch-Site: cross-site']]) {
      const answer = await ask(
        `POST ${started.proxy.pathOf('a')}/set-token`,
        headers,
        JSON.stringify({ token: 'ana-1' }),
      );
      expect([answer.status, codeOf(answer)]).toEqual([403, 'origin-refused']);
    }
    expect([dashboard.requests, started.reviews.askedTokens]).toEqual([[], []]);
  });

  it('[ID-04, TH-14] the sidecar’s cookie goes no further than the sidecar', async () => {
    const cookies = ['cluster-inventory-session.0=ana-1', 'headlamp-auth-main.0=ana-1', 'other=1'];
    const header = createJar(...cookies).header();
    await ask('GET /config', [header]);
    await ask('GET /clusters/main/version', [header]);
    await ask('GET /', ['Cookie: cluster-inventory-session.0=ana-1']);
    await setToken('ana-2', [header]);
    await setToken('ana-2', [header], '/clusters/main');
    expect(dashboard.requests).toHaveLength(5);
    for (const { headers, line } of dashboard.requests)
      expect([line, headers.cookie ?? '']).toEqual([line, expect.not.stringContaining('cluster-inventory')]);
    expect(dashboard.requests[1]?.headers.cookie).toBe('headlamp-auth-main.0=ana-1; other=1');
  });
});

describe('signing out', () => {
  it.each(['a discovered cluster', 'the dashboard’s own'])(
    '[ID-04, ID-05, ID-14] at %s ends the session, its memory and its streams at once',
    async (where) => {
      const jar = createJar();
      jar.keep(await setToken('ana-1'));
      const stream = await openRawClient(started.proxy.port);
      stream.send(
        `GET ${started.proxy.pathOf('a')}/api/v1/pods?watch=1 HTTP/1.1\r\nHost: ${started.proxy.host}\r\n${jar.header()}\r\n\r\n`,
      );
      const connection = await started.upstream.connection(0);
      await connection.waitFor('\r\n\r\n');
      connection.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
      await stream.waitFor('200 OK');
      const path = where === 'a discovered cluster' ? started.proxy.pathOf('a') : '/clusters/main';
      const before = jar.header();
      jar.keep(await setToken('', [jar.header()], path));
      expect(jar.names()).toEqual([]);
      await stream.waitForEnd();
      await connection.waitForClose();
      // The hub, too, has been told.
      started.reviews.users.delete('ana-1');
      expect((await ask(`GET ${started.proxy.pathOf('a')}/me`, [before])).status).toBe(401);
    },
  );
});

describe('a session about to end', () => {
  const jwt = (lifeMs: number): string => {
    const payload = JSON.stringify({ exp: (started.clock.now() + lifeMs) / 1000 });
    return `e30.${Buffer.from(payload).toString('base64url')}.x`;
  };
  const renewals = (): number =>
    dashboard.requests.filter(({ line }) => line === 'GET /clusters/main/version').length;

  function begin(lifeMs: number): { old: string; renewed: string; header: string } {
    const old = jwt(lifeMs);
    const renewed = jwt(3_600_000);
    started.reviews.users.set(old, person('ana')).set(renewed, person('ana'));
    dashboard.renewedToken = renewed;
    return { old, renewed, header: `Cookie: cluster-inventory-session.0=${old}` };
  }

  it('[ID-04] is renewed once by the dashboard, for all who wait, and both cookies are set', async () => {
    const { old, renewed, header } = begin(10_000);
    for (let count = 0; count < 5; count++)
      started.upstream.answers.push(answerWith('ok', '200 OK', 'Set-Cookie: of=cluster\r\n'));
    const answer = Promise.withResolvers<undefined>();
    dashboard.held = answer.promise.then(() => undefined);
    const asked = Array.from({ length: 5 }, () => ask(`GET ${started.proxy.pathOf('a')}/x`, [header]));
    await until('all have come', async () => (await started.proxy.countConnections()) === 5);
    await wait(50);
    answer.resolve(undefined);
    const answers = await Promise.all(asked);
    expect(renewals()).toBe(1);
    expect(dashboard.requests[0]?.headers.cookie).toBe(`headlamp-auth-main.0=${old}`);
    for (const answer of answers) {
      expect(answer.status).toBe(200);
      expect(headersOf(answer, 'set-cookie').map((line) => line.split(';')[0])).toEqual([
        `headlamp-auth-main.0=${renewed}`,
        `cluster-inventory-session.0=${renewed}`,
      ]);
    }
    expect(started.reviews.askedTokens).toEqual([renewed]);
  });

  it('[ID-04] with more than 10 s left is not', async () => {
    const { header } = begin(10_001);
    started.upstream.answers.push(answerWith('ok'));
    const answer = await ask(`GET ${started.proxy.pathOf('a')}/x`, [header]);
    expect([answer.status, renewals(), headersOf(answer, 'set-cookie')]).toEqual([200, 0, []]);
  });

  it('[ID-04] that the dashboard does not renew goes on to its end', async () => {
    const { header } = begin(5_000);
    dashboard.renewedToken = undefined;
    started.upstream.answers.push(answerWith('ok'));
    const answer = await ask(`GET ${started.proxy.pathOf('a')}/x`, [header]);
    expect([answer.status, headersOf(answer, 'set-cookie')]).toEqual([200, []]);
    started.clock.advance(5_000);
    expect((await ask(`GET ${started.proxy.pathOf('a')}/x`, [header])).status).toBe(401);
  });

  it('[ID-04] is renewed with /config, beside the dashboard’s own cookies', async () => {
    const { renewed, header } = begin(5_000);
    dashboard.configCookies = ['own=1; Path=/'];
    const answer = await ask('GET /config', [header]);
    expect(headersOf(answer, 'set-cookie').map((line) => line.split(';')[0])).toEqual([
      'own=1',
      `headlamp-auth-main.0=${renewed}`,
      `cluster-inventory-session.0=${renewed}`,
    ]);
    expect(clustersOf(answer)).toHaveLength(2);
  });

  it('[ID-04] is renewed with an upgrade', async () => {
    const { renewed, header } = begin(5_000);
    started.upstream.answers.push(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    );
    const client = await openRawClient(started.proxy.port);
    client.send(
      `GET ${started.proxy.pathOf('a')}/api/v1/pods?watch=1 HTTP/1.1\r\nHost: ${started.proxy.host}\r\n` +
        `Connection: Upgrade\r\nUpgrade: websocket\r\n${ownOrigin()}\r\n${header}\r\n\r\n`,
    );
    const answer = parseAnswer(await client.waitFor('\r\n\r\n'));
    client.socket.destroy();
    expect([answer.status, headersOf(answer, 'set-cookie').join()]).toEqual([
      101,
      expect.stringContaining(`cluster-inventory-session.0=${renewed}`),
    ]);
  });

  it('[ID-04] comes back to no browser in which another signed in meanwhile', async () => {
    const { header } = begin(5_000);
    const jar = createJar(header.slice('Cookie: '.length));
    const late = await openRawClient(started.proxy.port);
    late.send(
      `GET ${started.proxy.pathOf('a')}/x HTTP/1.1\r\nHost: ${started.proxy.host}\r\n${header}\r\n\r\n`,
    );
    const connection = await started.upstream.connection(0);
    await connection.waitFor('\r\n\r\n');
    jar.keep(await ask('GET /config', [header]));
    dashboard.renewedToken = undefined;
    jar.keep(await setToken('ben-1', [jar.header()]));
    connection.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    jar.keep(parseAnswer(await late.waitFor('ok')));
    late.socket.destroy();
    // Nor with what was sent before and comes only now.
    dashboard.renewedToken = 'ana-2';
    jar.keep(await ask('GET /config', [header]));
    expect((await ask(`GET ${started.proxy.pathOf('a')}/me`, [jar.header()])).body).toContain('"ben"');
  });

  it('[ID-04] that the hub has never seen is renewed for four at a time, and never without an end', async () => {
    const { header } = begin(5_000);
    const held = Promise.withResolvers<undefined>();
    dashboard.held = held.promise.then(() => undefined);
    const forged = Array.from({ length: 60 }, (_, index) =>
      ask('GET /config', [`Cookie: cluster-inventory-session.0=${jwt(index)}`]),
    );
    await until('those beyond have their answer', () => dashboard.requests.length >= 60 + 4);
    expect(renewals()).toBe(4);
    // Whose token was good before waits for none of them.
    const [, old = ''] = header.split('=');
    await started.gate.identifyToken(old);
    const known = ask('GET /config', [header]);
    await until('the dashboard is asked', () => renewals() === 5);
    held.resolve(undefined);
    expect(headersOf(await known, 'set-cookie')).toHaveLength(2);
    await Promise.all(forged);
  });

  it('[ID-04, ID-14] takes with it, when it is signed out, what began before it was renewed', async () => {
    const { old, renewed } = begin(60_000);
    const open = async (index: number): Promise<Awaited<ReturnType<typeof openRawClient>>> => {
      const client = await openRawClient(started.proxy.port);
      client.send(
        `GET ${started.proxy.pathOf('a')}/api/v1/pods?watch=1 HTTP/1.1\r\nHost: ${started.proxy.host}\r\n` +
          `Cookie: cluster-inventory-session.0=${old}\r\n\r\n`,
      );
      const connection = await started.upstream.connection(index);
      await connection.waitFor('\r\n\r\n');
      connection.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
      await client.waitFor('200 OK');
      return client;
    };
    const stream = await open(0);
    started.clock.advance(55_000);
    const jar = createJar(`cluster-inventory-session.0=${old}`);
    jar.keep(await ask('GET /config', [jar.header()]));
    expect(jar.header()).toContain(renewed);
    expect(stream.outcome).toBeUndefined();
    await setToken('', [jar.header()]);
    await until('the stream ends', () => stream.outcome !== undefined);
  });
});
