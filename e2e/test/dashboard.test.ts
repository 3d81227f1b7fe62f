import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { installPlugin } from '../dashboard/backend/pluginFolder.ts';
import { startDashboard, type Dashboard } from '../dashboard/startDashboard.ts';
import { type Echo, startEchoHub, type EchoHub } from './dashboard/echoHub.ts';
import { type RawAnswer, sendRaw } from './dashboard/rawHttp.ts';

const PAGE = `<script>headlampBaseUrl = __baseUrl__;</script><script src="./assets/main.js"></script>`;

let workDir: string;
let hub: EchoHub;
let dashboard: Dashboard;
let behindBase: Dashboard;
/** Whose tokens are followed by one that is called `next`. */
let renewing: Dashboard;

beforeAll(async () => {
  workDir = await mkdtemp(join(tmpdir(), 'dashboard-test-'));
  const uiDir = join(workDir, 'ui');
  const pluginDir = join(workDir, 'plugins');
  const distDir = join(workDir, 'built');
  await mkdir(join(uiDir, 'assets'), { recursive: true });
  await mkdir(join(distDir, 'locales', 'en'), { recursive: true });
  await mkdir(join(pluginDir, 'half-built'), { recursive: true });
  await writeFile(join(uiDir, 'index.html'), PAGE);
  await writeFile(join(uiDir, 'assets', 'main.js'), 'run();');
  await writeFile(join(workDir, 'secret.txt'), 'not yours');
  await writeFile(join(distDir, 'main.js'), 'plugin();');
  await writeFile(join(distDir, 'package.json'), '{}');
  await installPlugin({ distDir, pluginDir, name: 'some-plugin' });
  hub = await startEchoHub();
  const own = { url: hub.url, token: 'own-token' };
  dashboard = await startDashboard({ hub: own, uiDir, pluginDir, env: {} });
  behindBase = await startDashboard({ hub: own, uiDir, baseUrl: '/headlamp', clusterName: 'büro', env: {} });
  const refresh = (token: string): Promise<string | undefined> =>
    Promise.resolve(token.endsWith('.final') ? undefined : 'next');
  renewing = await startDashboard({ hub: own, uiDir, env: {}, refresh });
  return async () => {
    await Promise.all([dashboard.stop(), behindBase.stop(), renewing.stop(), hub.stop()]);
    await rm(workDir, { recursive: true, force: true });
  };
});

const readEcho = ({ body }: RawAnswer) => JSON.parse(body) as Echo;

const get = (target: string, headers: Record<string, string> = {}) =>
  sendRaw(dashboard.port, `GET ${target}`, headers);

describe('Host check on loopback', () => {
  it.each(['evil.example', 'evil.example:PORT', '127.0.0.1:1', '[::2]:PORT', ''])(
    'refuses %j',
    async (host) => {
      const answer = await get('/config', { Host: host.replace('PORT', String(dashboard.port)) });
      expect(answer.status).toBe(403);
      expect(answer.body).toBe('invalid Host header\n');
    },
  );

  it.each(['localhost', 'LocalHost:PORT', '127.0.0.1', '[::1]:PORT', '[0:0:0:0:0:0:0:1]:PORT'])(
    'accepts %j',
    async (host) => {
      const answer = await get('/config', { Host: host.replace('PORT', String(dashboard.port)) });
      expect(answer.status).toBe(200);
    },
  );

  it('goes by the authority of an absolute target', async () => {
    expect((await get('http://evil.example/config')).status).toBe(403);
  });

  it('refuses an upgrade too', async () => {
    const answer = await get('/clusters/main/x', {
      Host: 'evil.example',
      Connection: 'Upgrade',
      Upgrade: 'websocket',
    });
    expect(answer.status).toBe(403);
  });
});

describe('paths', () => {
  it.each([
    ['//config', '/config'],
    ['/clusters/main/../../config?a=%2F', '/config?a=%2F'],
    ['/clusters/main/%2e%2e/config', '/clusters/config'],
    ['/a%20b//c/', '/a%20b/c/'],
    ['/clusters/main//api', '/clusters/main/api'],
    ['/%C3%BC/./%FF', '/%C3%BC/%FF'],
  ])('cleans %s to %s by a redirect', async (target, location) => {
    const answer = await get(target);
    expect(answer.status).toBe(301);
    expect(answer.headers.get('location')).toEqual([location]);
  });

  it('answers 400 to a broken escape', async () => {
    expect((await get('/config%zz')).status).toBe(400);
  });

  it('decodes before it routes', async () => {
    expect((await get('/c%6Fnfig')).headers.get('content-type')).toEqual(['application/json']);
    expect(readEcho(await get('/clusters/main%2Fapi/v1/a%2Fb%21?q=%2F')).target).toBe('/api/v1/a/b%21?q=%2F');
  });

  it.each(['/', '/c/main/pods', '/no/such/file.js', '/clusters', '/clusters/main'])(
    'answers %s with the page',
    async (target) => {
      const answer = await get(target);
      expect(answer.status).toBe(200);
      expect(answer.body).toContain(`headlampBaseUrl = '/'`);
      expect(answer.body).toContain(`src="/assets/main.js"`);
    },
  );

  it('serves the UI files and nothing outside of their folder', async () => {
    expect((await get('/assets/main.js')).body).toBe('run();');
    for (const target of ['/..%5Csecret.txt', '/%2e%2e%2fsecret.txt', '/assets%00/../secret.txt']) {
      expect((await get(target)).body).not.toContain('not yours');
    }
  });
});

describe('a base URL', () => {
  const below = (target: string) => sendRaw(behindBase.port, `GET ${target}`);

  it('is put into the page and before every reference', async () => {
    for (const target of ['/headlamp', '/headlamp/', '/headlamp/c/x']) {
      const { status, body } = await below(target);
      expect(status).toBe(200);
      expect(body).toContain(`headlampBaseUrl = '/headlamp'`);
      expect(body).toContain(`src="/headlamp/assets/main.js"`);
    }
  });

  it('is the only place where something answers', async () => {
    expect((await below('/config')).status).toBe(404);
    expect((await below('/headlamp/config')).status).toBe(200);
    expect((await below('/headlamp/assets/main.js')).body).toBe('run();');
    expect(readEcho(await below('/headlamp/clusters/b%C3%BCro/version')).target).toBe('/version');
  });
});

describe('configuration and plugins', () => {
  it('names its own cluster', async () => {
    expect(JSON.parse((await get('/config')).body)).toMatchObject({
      clusters: [{ name: 'main', auth_type: '', meta_data: { source: 'kubeconfig' } }],
    });
  });

  it('lists whole plugins and serves their files', async () => {
    expect(JSON.parse((await get('/plugins')).body)).toEqual([
      { path: 'plugins/some-plugin', type: 'development', name: 'some-plugin' },
    ]);
    expect((await get('/plugins/some-plugin/main.js')).body).toBe('plugin();');
    expect((await get('/plugins/some-plugin/locales/de/translation.json')).status).toBe(404);
  });
});

describe('the session', () => {
  const setToken = (body: string, headers: Record<string, string> = {}, port = dashboard.port) =>
    sendRaw(
      port,
      `POST ${port === behindBase.port ? '/headlamp' : ''}/clusters/main/set-token`,
      headers,
      body,
    );

  it('is kept in one cookie a 3,800 bytes, for the cluster only', async () => {
    const token = 'a'.repeat(3_800) + 'b';
    const answer = await setToken(JSON.stringify({ token }));
    expect(answer.status).toBe(200);
    expect(answer.headers.get('set-cookie')).toEqual([
      `headlamp-auth-main.0=${'a'.repeat(3_800)}; Path=/clusters/main; Max-Age=86400; HttpOnly; SameSite=Strict`,
      'headlamp-auth-main.1=b; Path=/clusters/main; Max-Age=86400; HttpOnly; SameSite=Strict',
    ]);
  });

  it('is Secure behind TLS, and below the base URL', async () => {
    const answer = await setToken('{"token":"t"}', { 'X-Forwarded-Proto': 'https' }, behindBase.port);
    expect(answer.headers.get('set-cookie')).toEqual([
      'headlamp-auth-main.0=t; Path=/headlamp/clusters/main; Max-Age=86400; HttpOnly; Secure; SameSite=Strict',
    ]);
  });

  it('cuts the name in the cookie to 50 plain characters, not the path', async () => {
    const name = `${'x'.repeat(30)}.${'y'.repeat(40)}`;
    const answer = await sendRaw(dashboard.port, `POST /clusters/${name}/set-token`, {}, '{"token":"t"}');
    const [cookie = ''] = answer.headers.get('set-cookie') ?? [];
    expect(cookie).toMatch(`headlamp-auth-${'x'.repeat(30)}${'y'.repeat(20)}.0=t; Path=/clusters/${name};`);
  });

  it('ends with an empty token', async () => {
    const cookies = 'headlamp-auth-main.0=a; headlamp-auth-main.1=b; headlamp-auth-other.0=c';
    const answer = await setToken('{"token":""}', { Cookie: cookies });
    expect(answer.headers.get('set-cookie')).toEqual([
      'headlamp-auth-main.0=; Path=/clusters/main; Max-Age=0; HttpOnly; SameSite=Strict',
      'headlamp-auth-main.1=; Path=/clusters/main; Max-Age=0; HttpOnly; SameSite=Strict',
    ]);
  });

  it('refuses what is no JSON', async () => {
    expect((await setToken('token')).status).toBe(400);
  });

  it('reaches the API server, before a header, before the own token', async () => {
    const seen = async (headers: Record<string, string>) =>
      readEcho(await get('/clusters/main/version', headers)).headers;
    const cookie = {
      Cookie: 'x=1; headlamp-auth-main.0=aa; headlamp-auth-main.1=bb; headlamp-auth-main.3=cc',
    };
    expect((await seen({})).authorization).toBe('Bearer own-token');
    expect((await seen({ Authorization: 'Bearer mine' })).authorization).toBe('Bearer mine');
    const both = await seen({ ...cookie, Authorization: 'Bearer mine' });
    expect(both.authorization).toBe('Bearer aabb');
    expect(both.cookie).toBeUndefined();
  });

  it('tells who it belongs to', async () => {
    const me = (claims: object) => {
      const token = `h.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.s`;
      return get('/clusters/main/me', { Cookie: `headlamp-auth-main.0=${token}` });
    };
    const { status, body } = await me({ preferred_username: 'alice', groups: ['ops'], exp: 9_999_999_999 });
    expect([status, JSON.parse(body)]).toEqual([200, { username: 'alice', email: '', groups: ['ops'] }]);
    expect((await me({ exp: 1 })).status).toBe(401);
    expect((await get('/clusters/main/me')).status).toBe(401);
  });
});

describe('a session that is about to end', () => {
  const tokenFor = (seconds: number, signature = 'signed'): string => {
    const exp = Math.floor(Date.now() / 1_000) + seconds;
    return `h.${Buffer.from(JSON.stringify({ exp })).toString('base64url')}.${signature}`;
  };
  const cookie = (token: string) => ({ Cookie: `headlamp-auth-main.0=${token}` });
  const attributes = (maxAge: number) => `Path=/clusters/main; Max-Age=${maxAge}; HttpOnly; SameSite=Strict`;
  const renewed = [
    `headlamp-auth-main.0=; ${attributes(0)}`,
    `headlamp-auth-main.0=next; ${attributes(86_400)}`,
  ];

  it('is renewed by any request to the own cluster, which goes on with the old token', async () => {
    const token = tokenFor(9);
    const answer = await sendRaw(renewing.port, 'GET /clusters/main/version', cookie(token));
    expect(answer.headers.get('set-cookie')).toEqual(renewed);
    expect(readEcho(answer).headers.authorization).toBe(`Bearer ${token}`);
  });

  it.each([
    ['has more time left', '/clusters/main/version', tokenFor(30)],
    ['is of another cluster', '/clusters/other/version', tokenFor(9)],
    ['asks for no cluster', '/config', tokenFor(9)],
    ['is given no other', '/clusters/main/version', tokenFor(9, 'final')],
    ['holds no token that ends', '/clusters/main/version', 'static'],
  ])('is left as it is when it %s', async (_title, target, token) => {
    const answer = await sendRaw(renewing.port, `GET ${target}`, cookie(token));
    expect(answer.headers.get('set-cookie')).toBeUndefined();
  });

  it('ends all the same when it is signed out: of several lines for a cookie the last counts', async () => {
    const target = 'POST /clusters/main/set-token';
    const answer = await sendRaw(renewing.port, target, cookie(tokenFor(9)), '{"token":""}');
    expect(answer.headers.get('set-cookie')).toEqual([...renewed, `headlamp-auth-main.0=; ${attributes(0)}`]);
  });
});

describe('clusters', () => {
  it('knows its own only', async () => {
    expect((await get('/clusters/other/version')).status).toBe(404);
    const answer = await get('/clusters/other/x', { Connection: 'Upgrade', Upgrade: 'websocket' });
    expect(answer.status).toBe(404);
  });

  it('passes a WebSocket both ways, with the token taken out of its protocols', async () => {
    const token = Buffer.from('ws-token').toString('base64url');
    const socket = connect(dashboard.port, '127.0.0.1');
    socket.write(
      [
        'GET /clusters/main/api/v1/pods?watch=1 HTTP/1.1',
        `Host: 127.0.0.1:${dashboard.port}`,
        'Connection: Upgrade',
        'Upgrade: websocket',
        `Sec-WebSocket-Protocol: base64url.bearer.authorization.k8s.io.${token}, base64.binary.k8s.io`,
        '\r\nping',
      ].join('\r\n'),
    );
    let received = '';
    for await (const chunk of socket) {
      received += String(chunk);
      if (received.endsWith('ping')) break;
    }
    expect(received).toContain('101 Switching Protocols');
    expect(received).toContain('Sec-WebSocket-Protocol: base64.binary.k8s.io\r\n');
    expect(received).toContain('X-Seen: Bearer ws-token\r\n');
  });

  it('answers 502 when the API server is not there', async () => {
    const gone = await startEchoHub();
    await gone.stop();
    const orphan = await startDashboard({ hub: { url: gone.url }, uiDir: workDir, env: {} });
    try {
      expect((await sendRaw(orphan.port, 'GET /clusters/main/version')).status).toBe(502);
    } finally {
      await orphan.stop();
    }
  });
});
