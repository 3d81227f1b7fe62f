import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../src/foundation/log.ts';
import { drainAnnotation } from '../../src/proxy/nodeState.ts';
import { errorHeader } from '../../src/proxy/status.ts';
import { type FakeDashboard, startFakeDashboard } from '../support/fakeDashboard.ts';
import { allowTraffic, person } from '../support/fakeReviews.ts';
import { createManualClock } from '../support/manualClock.ts';
import { exchangeRaw, type RawAnswer } from '../support/rawClient.ts';
import { answerWith, startRecordingUpstream } from '../support/recordingUpstream.ts';
import { clusterAt, startProxy } from '../support/startProxy.ts';
import { startUsers, type UsersOptions, type UsersProxy } from '../support/startUsers.ts';
import { until } from '../support/until.ts';

let running: UsersProxy;
/** How drains have ended. */
let ends: unknown[] = [];

const all = ['get', 'create', 'update', 'patch', 'delete'];
const ana = 'Authorization: Bearer ana-secret';
const ben = 'Authorization: Bearer ben-secret';

async function start(options: Partial<UsersOptions> = {}): Promise<void> {
  ends = [];
  running = await startUsers({
    log: {
      ...silentLog,
      info: (message, fields) => message === 'a drain has ended' && ends.push(fields?.['end']),
    },
    users: { 'ana-secret': person('ana'), 'ben-secret': person('ben') },
    allows: allowTraffic({ ana: all, ben: ['get'] }),
    ...options,
  });
}

beforeEach(() => start());

afterEach(async () => {
  await running.close();
});

async function restart(options: Partial<UsersOptions>): Promise<void> {
  await running.close();
  await start(options);
}

const clusterName = (): string => running.proxy.pathOf('a').split('/').at(-1) ?? '';
const codeOf = ({ headers }: RawAnswer): string | undefined =>
  headers.find((line) => line.startsWith(errorHeader))?.split(': ')[1];

/** One answer a connection, since the upstream reads no further than a body. */
const json = (value: unknown, status = '200 OK'): string =>
  answerWith(JSON.stringify(value), status, 'Content-Type: application/json\r\nConnection: close\r\n');
const node = (unschedulable: boolean, drainUntil?: string): string =>
  json({
    metadata: { name: 'node-1', annotations: drainUntil ? { [drainAnnotation]: drainUntil } : {} },
    spec: { unschedulable },
  });
const pods = (...names: readonly string[]): string =>
  json({ items: names.map((name) => ({ metadata: { name, namespace: 'shop', uid: `uid-of-${name}` } })) });
const ending = (name: string): string =>
  json({
    items: [
      {
        metadata: {
          name,
          namespace: 'shop',
          uid: `uid-of-${name}`,
          deletionTimestamp: '2026-01-01T00:00:00Z',
        },
      },
    ],
  });
const evicted = json({ kind: 'Status', status: 'Success' }, '201 Created');
const blocked = json({ kind: 'Status', reason: 'TooManyRequests' }, '429 Too Many Requests');
const forbidden = json({ kind: 'Status', reason: 'Forbidden', message: 'no' }, '403 Forbidden');
/** The answers until the POST is answered. */
const accepted = [node(false), node(true)];

function drain(
  headers: readonly string[] = [ana],
  body = JSON.stringify({ cluster: clusterName(), nodeName: 'node-1' }),
  path = '/drain-node',
): Promise<RawAnswer> {
  const { proxy } = running;
  return exchangeRaw(
    proxy.port,
    proxy.request(`POST ${path}`, [`Content-Length: ${Buffer.byteLength(body)}`, ...headers], body),
  );
}

function askState(query: string, headers: readonly string[] = [ana]): Promise<RawAnswer> {
  return exchangeRaw(running.proxy.port, running.proxy.request(`GET /drain-node-status?${query}`, headers));
}

const linesOf = (): string[] => running.upstream.heads.map((head) => head.split(' HTTP/1.1')[0] ?? '');
const sentBodies = (): string[] =>
  running.upstream.connections.map(({ received }) => received.slice(received.indexOf('\r\n\r\n') + 4));
const sees = (count: number): Promise<void> =>
  until(`${count} requests`, () => running.upstream.heads.length >= count);
/** Once the drain waits, on with the time: a stream's check is one timer, the wait another; a request on its way has more. */
async function waitAndAdvance(ms: number): Promise<void> {
  await until('the drain waits', () => running.clock.pending === 2);
  running.clock.advance(ms);
}
async function isOver(end: string): Promise<void> {
  await until('the drain has ended', () => ends.length > 0);
  expect(ends).toEqual([end]);
  expect(running.clock.pending).toBe(0);
}

const getNode = 'GET /api/v1/nodes/node-1';
const patchNode = 'PATCH /api/v1/nodes/node-1';
const listPods =
  'GET /api/v1/pods?fieldSelector=spec.nodeName%3Dnode-1%2Cstatus.phase!%3DSucceeded%2Cstatus.phase!%3DFailed';
const evict = (name: string): string => `POST /api/v1/namespaces/shop/pods/${name}/eviction`;

describe('a drain', () => {
  it('[PX-45] cordons, answers, evicts what is there, and is over when nothing is left', async () => {
    running.upstream.answers.push(...accepted, node(true), pods('web', 'cart'), evicted, evicted);
    running.upstream.answers.push(node(true), ending('cart'), node(true), pods(), json({}));
    const answer = await drain();
    expect([answer.status, JSON.parse(answer.body)]).toMatchObject([200, { cluster: clusterName() }]);
    await sees(6);
    await waitAndAdvance(1_000);
    await sees(8);
    await waitAndAdvance(1_000);
    await sees(11);
    await isOver('drained');
    expect(linesOf()).toEqual([
      getNode,
      patchNode,
      getNode,
      listPods,
      evict('web'),
      evict('cart'),
      getNode,
      listPods,
      getNode,
      listPods,
      patchNode,
    ]);
    const [, cordoned = '', , , eviction = '', , , , , , ended = ''] = sentBodies();
    expect(JSON.parse(cordoned)).toEqual({
      metadata: { annotations: { [drainAnnotation]: '2026-01-01T00:15:00.000Z' } },
      spec: { unschedulable: true },
    });
    expect(JSON.parse(eviction)).toEqual({
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name: 'web', namespace: 'shop' },
      deleteOptions: { preconditions: { uid: 'uid-of-web' } },
    });
    const path = '/metadata/annotations/cluster-inventory.headlamp.dev~1drain-until';
    expect(JSON.parse(ended)).toEqual([
      { op: 'test', path, value: '2026-01-01T00:15:00.000Z' },
      { op: 'remove', path },
    ]);
  });

  it('[PX-45, ID-20, ID-31] is the user’s, in each of its requests, and each has a line of its own', async () => {
    running.upstream.answers.push(...accepted, node(true), pods('web'), forbidden, json({}));
    // Whether it may impersonate at all: the 403 is the user's.
    running.upstream.answers.splice(5, 0, json({ status: { allowed: true } }, '201 Created'));
    await drain([ana, 'User-Agent: browser', 'Cookie: a=b', 'X-Odd: 1']);
    await sees(7);
    await isOver('refused');
    const own = running.upstream.heads.filter((head) => !head.includes('selfsubjectaccessreviews'));
    expect(own).toHaveLength(6);
    for (const head of own) {
      expect(head).toContain('Authorization: Bearer token-1\r\n');
      expect(head).toContain('Impersonate-User: ana\r\n');
      expect(head).not.toMatch(/ana-secret|cookie|browser|odd/i);
    }
    const ids = own.map((head) => /Audit-ID: (\S+)/i.exec(head)?.[1]);
    expect(new Set(ids).size).toBe(6);
    const lines = running.proxy.auditLines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const writes = lines.filter(({ verb }) => verb !== 'get');
    expect(writes).toMatchObject([
      { requestId: ids[1], user: 'ana', verb: 'patch', resource: 'nodes', name: 'node-1', status: 200 },
      { requestId: ids[4], user: 'ana', verb: 'create', subresource: 'eviction', name: 'web', status: 403 },
      { requestId: ids[5], user: 'ana', verb: 'patch', resource: 'nodes', name: 'node-1', status: 200 },
    ]);
  });

  it('[PX-45] waits for a PodDisruptionBudget, and for a cluster that does not answer', async () => {
    running.upstream.answers.push(...accepted, node(true), pods('web'), blocked);
    running.upstream.answers.push('nonsense', node(true), pods('web'), evicted, node(true), pods(), json({}));
    await drain();
    await sees(5);
    await waitAndAdvance(4_999);
    expect(running.upstream.heads).toHaveLength(5);
    running.clock.advance(1);
    await sees(6);
    await waitAndAdvance(5_000);
    await sees(9);
    await waitAndAdvance(1_000);
    await sees(12);
    await isOver('drained');
    expect(linesOf().filter((line) => line === evict('web'))).toHaveLength(2);
  });

  it('[PX-45] gives up after a quarter of an hour', async () => {
    running.upstream.answers.push(...accepted, node(true), pods('web'), blocked, node(true), pods('web'));
    running.upstream.answers.push(blocked, json({}));
    await drain();
    await sees(5);
    await waitAndAdvance(15 * 60_000);
    await sees(9);
    await isOver('out-of-time');
    expect(linesOf().at(-1)).toBe(patchNode);
  });

  it('[PX-45] is stopped by making the node schedulable', async () => {
    running.upstream.answers.push(...accepted, node(true), pods('web'), blocked, node(false), pods('web'));
    running.upstream.answers.push(json({}));
    await drain();
    await sees(5);
    await waitAndAdvance(5_000);
    await sees(8);
    await isOver('uncordoned');
    expect(linesOf().filter((line) => line === evict('web'))).toHaveLength(1);
  });

  it.each<[string, string, () => void]>([
    [
      'the right goes',
      'cluster-unknown',
      () => (running.reviews.allows = allowTraffic({ ana: ['get', 'patch'] })),
    ],
    ['the user signs out', 'stopped', () => running.gate.signOut('ana-secret')],
    ['the cluster goes', 'cluster-unknown', () => running.proxy.remove('a')],
  ])('[PX-45, ID-14] ends when %s', async (_title, end, happens) => {
    running.upstream.answers.push(...accepted, node(true), pods('web'), blocked, node(true), pods('web'));
    running.upstream.answers.push(json({}), json({}));
    await drain();
    await sees(5);
    await until('the drain waits', () => running.clock.pending === 2);
    happens();
    running.clock.advance(10_000);
    await isOver(end);
    expect(linesOf().filter((line) => line === evict('web'))).toHaveLength(1);
  });

  it('[PX-45] that is asked for twice is one', async () => {
    running.upstream.answers.push(...accepted, node(true), pods('web'), blocked, node(true), node(true));
    await drain();
    await sees(5);
    await until('the drain waits', () => running.clock.pending === 2);
    const pending = running.clock.pending;
    running.clock.advance(1_000);
    expect((await drain()).status).toBe(200);
    expect(linesOf().slice(5)).toEqual([getNode, patchNode]);
    expect(running.clock.pending).toBe(pending);
    expect(sentBodies()[6]).toContain('2026-01-01T00:15:00.000Z');
  });

  it('[PX-45] that is asked for twice at once is one', async () => {
    running.upstream.answers.push(
      node(false),
      node(false),
      node(true),
      node(true),
      node(true),
      pods(),
      json({}),
    );
    const answers = await Promise.all([drain(), drain()]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    await isOver('drained');
    expect(linesOf().filter((line) => line === listPods)).toHaveLength(1);
  });

  it('of one user, are sixteen at once', async () => {
    const drainNode = (index: number): Promise<RawAnswer> =>
      drain([ana], JSON.stringify({ cluster: clusterName(), nodeName: `node-${index}` }));
    for (let index = 0; index < 16; index++) {
      running.upstream.answers.push(...accepted, node(true), pods('web'), blocked);
      expect((await drainNode(index)).status).toBe(200);
      await sees(5 * (index + 1));
    }
    running.upstream.answers.push(node(false));
    const refused = await drainNode(16);
    expect([refused.status, codeOf(refused)]).toEqual([429, 'too-many-drains']);
  });

  it('[PX-45, EX-25] begins with what may be asked twice, by the next credential', async () => {
    running.upstream.answers.push(json({}, '401 Unauthorized'), ...accepted, node(true), pods(), json({}));
    expect((await drain()).status).toBe(200);
    await sees(6);
    await isOver('drained');
    expect(running.proxy.credentialsOf('a').rejected).toEqual(['token-1']);
    expect(running.upstream.heads.map((head) => /token-\d/.exec(head)?.[0])).toEqual([
      'token-1',
      ...Array<string>(5).fill('token-2'),
    ]);
  });

  it('[PX-45] that the cluster refuses is answered in its words, and evicts nothing', async () => {
    running.upstream.answers.push(json({ kind: 'Status', message: 'no such node' }, '404 Not Found'));
    const unknown = await drain();
    expect([unknown.status, codeOf(unknown)]).toEqual([404, undefined]);
    expect(unknown.body).toContain('no such node');
    running.upstream.answers.push(node(false), forbidden, json({ status: { allowed: true } }, '201 Created'));
    const refused = await drain();
    expect([refused.status, codeOf(refused)]).toEqual([403, undefined]);
    expect(refused.headers).toContain("Content-Security-Policy: default-src 'none'; sandbox");
    expect([ends, running.clock.pending]).toEqual([[], 0]);
    expect(linesOf()).toHaveLength(4);
  });
});

describe('who may not', () => {
  const expectRefused = async (asked: Promise<RawAnswer>, status: number, code: string): Promise<void> => {
    const answer = await asked;
    expect([answer.status, codeOf(answer)]).toEqual([status, code]);
    expect(running.upstream.connections).toEqual([]);
    expect(running.proxy.toDashboard).toEqual([]);
    expect(running.clock.pending).toBe(0);
  };

  it.each([
    ['create', 403, 'access-denied'],
    ['get', 403, 'access-denied'],
    ['patch', 403, 'access-denied'],
  ])('[PX-45, ID-11] is refused without %s, before anything is sent', async (missing, status, code) => {
    const allowed = allowTraffic({ ana: all.filter((verb) => verb !== missing) });
    // Seen it is all the same.
    await restart({
      allows: (user, asked) => (asked.subresource === 'proxy' ? allowed(user, asked) : true),
    });
    await expectRefused(drain(), status, code);
    const written = running.proxy.auditLines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(written).toMatchObject([
      { user: 'ana', verb: missing, decision: 'deny', resource: 'nodes', name: 'node-1', code },
    ]);
  });

  it('[PX-45, ID-15] is refused as by no such cluster where they may not see it', async () => {
    await restart({ allows: () => false });
    await expectRefused(drain(), 404, 'cluster-unknown');
    const none = { cluster: 'cluster-inventory-none', nodeName: 'n' };
    await expectRefused(drain([ana], JSON.stringify(none)), 404, 'cluster-unknown');
    await expectRefused(askState(`cluster=${clusterName()}&nodeName=node-1`), 404, 'cluster-unknown');
  });

  it.each<[string, readonly string[], number, string]>([
    ['nobody', [], 401, 'sign-in-required'],
    ['a made-up token', ['Authorization: Bearer made-up'], 401, 'token-rejected'],
    ['a page of another origin', [ana, 'Origin: http://evil.example'], 403, 'origin-refused'],
    [
      'a session without an origin',
      ['Cookie: cluster-inventory-session.0=ana-secret'],
      403,
      'origin-refused',
    ],
  ])('[PX-45, ID-01, ID-09] is refused to %s', async (_title, headers, status, code) => {
    await expectRefused(drain(headers), status, code);
  });

  it.each<[string, readonly string[], number, string]>([
    ['nobody', [], 401, 'sign-in-required'],
    ['a page of another origin', [ana, 'Origin: http://evil.example'], 403, 'origin-refused'],
    ['a script of another site', [ana, 'Sec-Fetch-Site: cross-site'], 403, 'origin-refused'],
  ])('[PX-45, ID-01, ID-09] nor is its state told to %s', async (_title, headers, status, code) => {
    await expectRefused(askState(`cluster=${clusterName()}&nodeName=node-1`, headers), status, code);
  });

  it('[PX-45, ID-20] drains nothing of a cluster that is read-only, and its state is told', async () => {
    await restart({ rules: { mode: 'shared', readOnly: true } });
    await expectRefused(drain(), 403, 'read-only');
    running.upstream.answers.push(node(false), pods());
    expect((await askState(`cluster=${clusterName()}&nodeName=node-1`)).status).toBe(200);
  });
});

describe('the state of a drain', () => {
  const soon = '2026-01-01T00:00:01.000Z';

  it.each<[string, readonly string[], string]>([
    ['schedulable', [node(false), pods()], 'error: the node is not cordoned, so that no drain is under way'],
    ['empty', [node(true), pods()], 'success'],
    ['under way', [node(true, soon), pods('web', 'cart')], 'draining: 2 Pods left'],
    ['over', [node(true), pods('web')], 'error: the drain has ended with 1 Pod left on the node: shop/web'],
  ])('[PX-45] is read from the node and its Pods, by whoever may read them: %s', async (_, answers, id) => {
    running.upstream.answers.push(...answers);
    const state = await askState(`cluster=${clusterName()}&nodeName=node-1`, [ben]);
    expect([state.status, JSON.parse(state.body)]).toEqual([200, { id, cluster: clusterName() }]);
    expect(linesOf()).toEqual([getNode, listPods]);
    for (const head of running.upstream.heads) expect(head).toContain('Impersonate-User: ben\r\n');
  });

  it('[PX-45] that the cluster does not tell is answered in its words', async () => {
    running.upstream.answers.push(node(true), forbidden, json({ status: { allowed: true } }, '201 Created'));
    const state = await askState(`cluster=${clusterName()}&nodeName=node-1`);
    expect([state.status, codeOf(state), JSON.parse(state.body)]).toMatchObject([
      403,
      undefined,
      { message: 'no' },
    ]);
  });

  it.each([
    'nodeName=..%2F..%2Fsecrets',
    'nodeName=',
    'a=b',
    'nodeName=n&nodeName=m',
    'nodeName=n&cluster=main',
  ])('[PX-02, PX-45] of %s is refused', async (query) => {
    const state = await askState(`cluster=${clusterName()}&${query}`);
    expect([state.status, codeOf(state)]).toEqual([400, 'path-refused']);
    expect(running.upstream.connections).toEqual([]);
  });
});

describe('under a base URL', () => {
  it('[PX-45] both are there, and what is not below it is the dashboard’s', async () => {
    const clock = createManualClock();
    const upstream = await startRecordingUpstream();
    const proxy = await startProxy({ baseUrl: '/lamp', clock, clusters: { a: clusterAt(upstream) } });
    const name = proxy.pathOf('a').split('/').at(-1) ?? '';
    const body = JSON.stringify({ cluster: name, nodeName: 'node-1' });
    const post = (path: string): Promise<RawAnswer> =>
      exchangeRaw(proxy.port, proxy.request(`POST ${path}`, [`Content-Length: ${body.length}`], body));
    upstream.answers.push(...accepted, node(true), pods(), json({}), node(true), pods());
    expect((await post('/lamp/drain-node')).status).toBe(200);
    await until('the drain has ended', () => upstream.heads.length === 5);
    const query = `cluster=${name}&nodeName=node-1`;
    const state = await exchangeRaw(proxy.port, proxy.request(`GET /lamp/drain-node-status?${query}`));
    expect(JSON.parse(state.body)).toEqual({ id: 'success', cluster: name });
    expect(proxy.toDashboard).toEqual([]);
    expect((await post('/drain-node')).body).toBe('dashboard');
    await proxy.close();
    await upstream.close();
  });
});

describe('the body of a drain', () => {
  let dashboard: FakeDashboard;

  beforeEach(async () => {
    dashboard = await startFakeDashboard();
    await restart({ dashboardUrl: dashboard.url });
  });

  afterEach(() => dashboard.close());

  const bodiesAtDashboard = (): string[] => dashboard.requests.map(({ body }) => body);

  it.each([
    '{"cluster":"main","nodeName":"cluster-inventory-control-plane"}',
    '{"Cluster" : "main",\n "nodeName": 7}',
    'nonsense',
    '',
  ])('[PX-43] that is the dashboard’s reaches it byte for byte: %j', async (body) => {
    expect((await drain([ana], body)).body).toBe('dashboard');
    expect(dashboard.requests).toMatchObject([{ line: 'POST /drain-node', body }]);
  });

  it('[PX-43] in chunks, and after 100-continue, reaches it whole', async () => {
    const { proxy } = running;
    const chunked = '5\r\n{"clu\r\n15\r\nster":"main","nodeNam\r\n7\r\ne":"n"}\r\n0\r\n\r\n';
    const headers = ['Transfer-Encoding: chunked', 'Expect: 100-continue', ana];
    const { status } = await exchangeRaw(proxy.port, proxy.request('POST /drain-node', headers, chunked));
    expect(status).toBe(100);
    expect(bodiesAtDashboard()).toEqual(['{"cluster":"main","nodeName":"n"}']);
  });

  it.each([
    '{"cluster":"main","cluster":"NAME","nodeName":"n"}',
    '{"cluster":"main","CLUSTER":"NAME","nodeName":"n"}',
    '{"cluster":"main","clu\\u0073ter":"NAME","nodeName":"n"}',
    '{"cluster":"\\u0063luster-inventory-x","nodeName":"n"}',
    '{"cluster":"NAME","nodeName":"n"} {"cluster":"main"}',
    '{"cluster":"NAME","nodeName":"n"',
    '{"nodeName":"n","more":{"cluster":"NAME"}}',
  ])('[PX-02] with a name of ours in another spelling never reaches it: %s', async (body) => {
    const answer = await drain([ana], body.replaceAll('NAME', clusterName()));
    expect([answer.status, codeOf(answer)]).toEqual([400, 'body-invalid']);
    expect(bodiesAtDashboard()).toEqual([]);
    expect(running.upstream.connections).toEqual([]);
  });

  it.each([
    '/%64rain-node',
    '/drain%2dnode',
    '//drain-node',
    '/a/../drain-node',
    '/DRAIN-node',
    '/drain-node/',
  ])('[PX-02] at %s, which another router reads as the path of a drain, is refused', async (path) => {
    const answer = await drain([ana], undefined, path);
    expect([answer.status, codeOf(answer)]).toEqual([400, 'path-refused']);
    expect(bodiesAtDashboard()).toEqual([]);
  });

  it('[PX-02] beyond 64 KiB is refused; elsewhere the dashboard takes any', async () => {
    const large = JSON.stringify({ cluster: 'main', nodeName: 'n'.repeat(70_000) });
    const answer = await drain([ana], large);
    expect([answer.status, codeOf(answer)]).toEqual([413, 'body-too-large']);
    expect((await drain([ana], large, '/drain-nodes')).body).toBe('dashboard');
    expect(bodiesAtDashboard()).toEqual([large]);
  });

  it('[PX-02] an upgrade at the state of a drain never reaches it', async () => {
    const { port, host } = running.proxy;
    const line = `GET /drain-node-status?cluster=${clusterName()}&nodeName=n HTTP/1.1`;
    const upgrade = [line, `Host: ${host}`, 'Connection: Upgrade', 'Upgrade: websocket', ana, '', ''];
    const answer = await exchangeRaw(port, upgrade.join('\r\n'));
    expect([answer.status, codeOf(answer)]).toEqual([501, 'not-implemented']);
    expect(dashboard.requests).toEqual([]);
  });
});
