import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AccessRules } from '../../src/clusters/accessPolicy.ts';
import { errorHeader } from '../../src/proxy/status.ts';
import { allowTraffic, person } from '../support/fakeReviews.ts';
import { exchangeRaw, openRawClient, type RawAnswer } from '../support/rawClient.ts';
import { envelope, field } from '../support/protobuf.ts';
import { answerWith, startRecordingUpstream } from '../support/recordingUpstream.ts';
import { clusterAt, startProxy } from '../support/startProxy.ts';
import { policyWith, startUsers, type UsersOptions, type UsersProxy } from '../support/startUsers.ts';

const users = {
  'ana-secret': person('ana', { uid: '1', groups: ['dev', 'ops', 'system:authenticated', 'system:masters'] }),
  'ben-secret': person('ben'),
  'eve-secret': person('eve'),
};
const all = ['get', 'create', 'update', 'patch', 'delete'];
const allows = allowTraffic({ ana: all, ben: ['get'] });

let started: UsersProxy;

async function start(options: UsersOptions = {}): Promise<void> {
  started = await startUsers({ users, allows, ...options });
}

beforeEach(() => start());
afterEach(() => started.close());

/** Starts anew, where a test is about another policy or other rights. */
async function restart(options: UsersOptions): Promise<void> {
  await started.close();
  await start(options);
}

const bearer = (token: string): string => `Authorization: Bearer ${token}`;
const asAna = bearer('ana-secret');
const asBen = bearer('ben-secret');
const webSocket = ['Connection: Upgrade', 'Upgrade: websocket'];
const spdy = ['Connection: Upgrade', 'Upgrade: SPDY/3.1'];
const kinds: [string, readonly string[]][] = [
  ['a request', ['Connection: close']],
  ['a WebSocket', webSocket],
  ['SPDY', spdy],
];

const codeOf = ({ headers }: RawAnswer): string | undefined =>
  headers.find((line) => line.startsWith(errorHeader))?.split(': ')[1];

function send(line: string, headers: readonly string[], body = ''): Promise<RawAnswer> {
  const [method = '', rest = ''] = line.split(' ');
  const { port, host } = started.proxy;
  const target = `${started.proxy.pathOf('a')}${rest}`;
  return exchangeRaw(
    port,
    [`${method} ${target} HTTP/1.1`, `Host: ${host}`, ...headers, '', body].join('\r\n'),
  );
}

const ask = (line: string, headers: readonly string[], body = ''): Promise<RawAnswer> =>
  send(
    line,
    ['Connection: close', ...(body === '' ? [] : [`Content-Length: ${body.length}`]), ...headers],
    body,
  );

/** What the cluster was sent of a request that it answered, without what differs each time. */
async function headOf(line: string, headers: readonly string[]): Promise<string[]> {
  started.upstream.answers.push(answerWith('ok'));
  expect((await send(line, headers)).status).toBe(200);
  return (started.upstream.heads.at(-1) ?? '')
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/, '<uuid>')
    .split('\r\n')
    .slice(1, -2);
}

async function expectRefused(asked: Promise<RawAnswer>, status: number, code: string): Promise<void> {
  const answer = await asked;
  expect([answer.status, codeOf(answer)]).toEqual([status, code]);
  expect(started.upstream.connections).toHaveLength(0);
}

const pod = '/api/v1/namespaces/n/pods/p';

describe('as whom', () => {
  it.each(kinds)(
    '[ID-20, ID-22] %s goes with the provider’s credential and the user’s name and groups',
    async (_, kind) => {
      const head = await headOf('GET /api/v1/pods?watch=1', [
        ...kind,
        asAna,
        `Origin: http://${started.proxy.host}`,
      ]);
      expect(head.filter((line) => /^(authorization|impersonate)/i.test(line))).toEqual([
        'Authorization: Bearer token-1',
        'Impersonate-User: ana',
        'Impersonate-Group: dev',
        'Impersonate-Group: ops',
      ]);
    },
  );

  it('[ID-20, ID-22] with prefixes, UID and extra keys where the policy names them', async () => {
    await restart({
      users: {
        robot: person('system:serviceaccount:default:robot', {
          uid: '7',
          groups: ['x'],
          extra: { 'a/B': ['1'], c: ['2'] },
        }),
      },
      allows: allowTraffic({ 'system:serviceaccount:default:robot': all }),
      rules: {
        users: {
          prefix: 'u:',
          groupPrefix: 'g:',
          serviceAccountPrefix: 'east:',
          uid: true,
          extraKeys: ['a/B'],
        },
      },
    });
    const head = await headOf('GET /x', ['Connection: close', bearer('robot')]);
    expect(head.filter((line) => line.startsWith('Impersonate'))).toEqual([
      'Impersonate-User: east:system:serviceaccount:default:robot',
      'Impersonate-Group: g:x',
      'Impersonate-Uid: 7',
      'Impersonate-Extra-a%2Fb: 1',
    ]);
  });

  it.each(kinds)(
    '[ID-21] %s without anybody’s identity is 500, never the bare credential',
    async (_, kind) => {
      const upstream = await startRecordingUpstream();
      for (const mode of ['impersonate', 'passthrough'] as const) {
        const proxy = await startProxy({
          clusters: { a: clusterAt(upstream) },
          policy: policyWith({ mode }),
        });
        const answer = await exchangeRaw(
          proxy.port,
          [`GET ${proxy.pathOf('a')}/x HTTP/1.1`, `Host: ${proxy.host}`, ...kind, asAna, '', ''].join('\r\n'),
        );
        expect([answer.status, codeOf(answer)]).toEqual([500, 'identity-missing']);
        await proxy.close();
      }
      expect(upstream.connections).toHaveLength(0);
      await upstream.close();
    },
  );

  it.each(kinds)('[TH-02] %s: whatever Connection names, the identity arrives', async (_, kind) => {
    const [connection = '', ...rest] = kind;
    const named = 'Impersonate-User, Impersonate-Group, Authorization, Audit-ID, Host';
    const head = await headOf('GET /api/v1/pods?watch=1', [`${connection}, ${named}`, ...rest, asAna]);
    expect(head).toEqual(
      expect.arrayContaining([
        'Authorization: Bearer token-1',
        'Impersonate-User: ana',
        'Impersonate-Group: dev',
        'Impersonate-Group: ops',
        'Audit-ID: <uuid>',
      ]),
    );
  });

  it('[TH-07] two users on one connection, to a cluster whose connection they share, are each themselves', async () => {
    const client = await openRawClient(started.proxy.port);
    const names = ['ana', 'ben', 'ana', 'ben'];
    for (const [index, name] of names.entries()) {
      started.upstream.answers.push(answerWith(`answer ${index}`));
      client.send(
        `GET ${started.proxy.pathOf('a')}/api HTTP/1.1\r\nHost: ${started.proxy.host}\r\n${bearer(`${name}-secret`)}\r\n\r\n`,
      );
      await client.waitFor(`answer ${index}`);
    }
    client.socket.destroy();
    expect(started.upstream.connections).toHaveLength(1);
    expect(
      started.upstream.heads.map((head) => head.match(/^impersonate-.*$/gim)?.map((line) => line.trim())),
    ).toEqual(
      names.map((name) =>
        name === 'ana'
          ? ['Impersonate-User: ana', 'Impersonate-Group: dev', 'Impersonate-Group: ops']
          : ['Impersonate-User: ben'],
      ),
    );
  });

  it.each([
    ['CR LF', 'a\r\nImpersonate-Group: system:masters'],
    ['LF', 'a\nb'],
    ['NUL', 'a\0b'],
    ['a space in front', ' a'],
    ['the hub’s system', 'system:admin'],
  ])('[TH-08, ID-22, ID-23] a name with %s goes nowhere, and nothing breaks', async (_, name) => {
    await restart({ users: { odd: person(name) }, allows: () => true });
    for (const [, kind] of kinds)
      await expectRefused(send('GET /x', [...kind, bearer('odd')]), 403, 'identity-refused');
    started.reviews.users.set('plain', person('plain'));
    expect(await headOf('GET /x', ['Connection: close', bearer('plain')])).toContain(
      'Impersonate-User: plain',
    );
  });

  it.each([
    ['characters of all kinds', 'zoë 😀'],
    ['10 KiB', 'a'.repeat(10 * 1024)],
  ])('[TH-08, ID-23] a name of %s arrives as it is', async (_, name) => {
    await restart({ users: { odd: person(name, { groups: [name] }) }, allows: () => true });
    for (const [, kind] of kinds) {
      const head = await headOf('GET /api/v1/pods?watch=1', [...kind, bearer('odd')]);
      const sent = Buffer.from(name).toString('latin1');
      expect(head).toEqual(
        expect.arrayContaining([`Impersonate-User: ${sent}`, `Impersonate-Group: ${sent}`]),
      );
    }
  });
});

describe('acting as another', () => {
  it.each<[string, readonly string[], number, string]>([
    ['an unknown name', ['Impersonate-User: ben', 'Impersonate-Groups: x'], 400, 'impersonation-invalid'],
    ['two users', ['Impersonate-User: ben', 'impersonate-user: ana'], 400, 'impersonation-invalid'],
    [
      'two UIDs',
      ['Impersonate-User: ben', 'Impersonate-Uid: 1', 'Impersonate-Uid: 1'],
      400,
      'impersonation-invalid',
    ],
    ['a group without a user', ['Impersonate-Group: x'], 400, 'impersonation-invalid'],
    ['a UID without a user', ['Impersonate-Uid: x'], 400, 'impersonation-invalid'],
    ['an extra key without a user', ['Impersonate-Extra-scope: x'], 400, 'impersonation-invalid'],
    [
      'a system group',
      ['Impersonate-User: ben', 'IMPERSONATE-GROUP: system:masters'],
      403,
      'impersonation-refused',
    ],
    [
      'no right to a group',
      ['Impersonate-User: ben', 'Impersonate-Group: secret'],
      403,
      'impersonation-refused',
    ],
    [
      'no right to an extra key',
      ['Impersonate-User: ben', 'Impersonate-Extra-x: y'],
      403,
      'impersonation-refused',
    ],
    ['no right to a user', ['Impersonate-User: eve'], 403, 'impersonation-refused'],
  ])('[PX-13, TH-01] with %s reaches nothing', async (_, headers, status, code) => {
    started.reviews.allows = (user, attributes) =>
      allows(user, attributes) ||
      (attributes.verb === 'impersonate' &&
        (attributes.name === 'ben' || attributes.name === 'system:masters'));
    for (const [, kind] of kinds)
      await expectRefused(send('GET /api/v1/pods?watch=1', [...kind, asAna, ...headers]), status, code);
  });

  it('[PX-13, TH-01] is nobody’s where nobody is known', async () => {
    const upstream = await startRecordingUpstream();
    const proxy = await startProxy({ clusters: { a: clusterAt(upstream) } });
    const answer = await exchangeRaw(
      proxy.port,
      proxy.request(`GET ${proxy.pathOf('a')}/x`, ['Impersonate-User: ana']),
    );
    expect([answer.status, codeOf(answer)]).toEqual([403, 'impersonation-refused']);
    expect(upstream.connections).toHaveLength(0);
    await proxy.close();
    await upstream.close();
  });

  it('[ID-24] is for who may on the hub, and then with the rights of the other alone', async () => {
    started.reviews.allows = (user, attributes) =>
      allows(user, attributes) || (user.name === 'ana' && attributes.verb === 'impersonate');
    const asOther = [asAna, 'Impersonate-User: ben', 'Impersonate-Group: x', 'Impersonate-Group: y'];
    for (const [, kind] of kinds) {
      const head = await headOf('GET /api/v1/pods?watch=1', [...kind, ...asOther]);
      expect(head.filter((line) => line.startsWith('Impersonate'))).toEqual([
        'Impersonate-User: ben',
        'Impersonate-Group: x',
        'Impersonate-Group: y',
      ]);
    }
    const { length } = started.upstream.heads;
    expect((await ask(`DELETE ${pod}`, asOther)).status).toBe(404);
    expect(started.upstream.heads).toHaveLength(length);
  });
});

describe('the user’s token', () => {
  const encoded = Buffer.from('ana-secret').toString('base64url');
  const everywhere = [
    asAna,
    'Cookie: cluster-inventory-session.0=ana-secret; headlamp-auth-main.0=ana-secret; other=ana-secret',
    'X-Forwarded-Id-Token: ana-secret',
    'X-Auth-Token: ana-secret',
    'Proxy-Authorization: Bearer ana-secret',
    `Sec-WebSocket-Protocol: v5.channel.k8s.io, base64url.bearer.authorization.k8s.io.${encoded}`,
  ];

  it.each(kinds)('[TH-05, TH-14] in %s is seen by no cluster, wherever it came in', async (_, kind) => {
    const own = `Origin: http://${started.proxy.host}`;
    for (const mode of ['impersonate', 'shared'] as const) {
      await restart({ rules: { mode } });
      for (const rest of [`${pod}/proxy/x`, '/api/v1/pods?watch=1'])
        await headOf(`GET ${rest}`, [...kind, ...everywhere, own.replace(/:\d+$/, `:${started.proxy.port}`)]);
      const received = started.upstream.connections.map((each) => each.received).join();
      expect(received).toContain('Authorization: Bearer token-1');
      expect(received).not.toContain('ana-secret');
      expect(received).not.toContain(encoded);
    }
  });

  it.each(kinds)(
    '[ID-20, TH-05] in %s under passthrough is what the cluster gets, and no plugin is run',
    async (_, kind) => {
      await restart({ rules: { mode: 'passthrough' } });
      started.proxy.credentialsOf('a').answer = () => Promise.reject(new Error('run'));
      const head = await headOf('GET /api/v1/pods?watch=1', [...kind, asAna]);
      expect(head.filter((line) => /^(authorization|impersonate|cookie)/i.test(line))).toEqual([
        'Authorization: Bearer ana-secret',
      ]);
    },
  );

  it('[ID-20, PX-13] under passthrough acts as nobody else', async () => {
    await restart({ rules: { mode: 'passthrough' }, allows: () => true });
    await expectRefused(ask('GET /x', [asAna, 'Impersonate-User: ben']), 403, 'impersonation-refused');
  });

  it('[ID-20] under passthrough: the cluster’s 401 is the user’s, and nothing is asked twice', async () => {
    await restart({ rules: { mode: 'passthrough' } });
    started.upstream.answers.push(answerWith('who?', '401 Unauthorized'));
    const { status, body } = await ask('GET /x', [asAna]);
    expect([status, body]).toEqual([401, 'who?']);
    expect([started.upstream.heads.length, started.proxy.credentialsOf('a').rejected]).toEqual([1, []]);
  });
});

describe('who', () => {
  it.each<[string, readonly string[], string]>([
    ['nothing', [], 'sign-in-required'],
    ['an empty bearer', ['Authorization: Bearer '], 'sign-in-required'],
    ['another scheme', ['Authorization: Basic YW5hOmFuYQ=='], 'sign-in-required'],
    ['a token that nobody knows', [bearer('made-up')], 'token-rejected'],
    [
      'a bad token first and a good one behind',
      [asAna, 'Cookie: cluster-inventory-session.0=made-up'],
      'token-rejected',
    ],
    ['two users', [asAna, 'Cookie: cluster-inventory-session.0=ben-secret'], 'users-differ'],
    [
      'a proxy’s word',
      ['X-Remote-User: ana', 'X-Forwarded-User: ana', 'X_Forwarded_User: ana'],
      'sign-in-required',
    ],
  ])('[ID-01, TH-03, TH-04] with %s nothing is asked of a cluster', async (_, headers, code) => {
    for (const [, kind] of kinds)
      await expectRefused(send('GET /api/v1/pods?watch=1', [...kind, ...headers]), 401, code);
  });

  it('[TH-03] a proxy’s word beside a token has no effect, and goes to no cluster', async () => {
    const head = await headOf(`GET ${pod}/proxy/`, [
      'Connection: close',
      asAna,
      'X-Remote-User: ben',
      'X-Remote-Group: system:masters',
      'X-Forwarded-User: ben',
      'X_Forwarded_User: ben',
    ]);
    expect(head).toContain('Impersonate-User: ana');
    expect(head.join()).not.toMatch(/ben|masters/);
  });

  it('[ID-01, ID-18] a hub that cannot be asked is 502 for who is new, and a user who was known goes on', async () => {
    await headOf('GET /x', ['Connection: close', asAna]);
    started.reviews.isAway = true;
    started.clock.advance(60_000);
    await headOf('GET /x', ['Connection: close', asAna]);
    const { length } = started.upstream.heads;
    for (const [line, headers] of [
      ['GET /x', [asBen]],
      [`DELETE ${pod}`, [asAna]],
    ] as const) {
      const answer = await ask(line, headers);
      expect([answer.status, codeOf(answer)]).toEqual([502, 'reviews-unavailable']);
    }
    started.clock.advance(240_000);
    expect((await ask('GET /x', [asAna])).status).toBe(502);
    expect(started.upstream.heads).toHaveLength(length);
  });

  it('[ID-13] a right that is withdrawn is gone after 10 s', async () => {
    await headOf('GET /x', ['Connection: close', asAna]);
    started.reviews.allows = () => false;
    started.clock.advance(10_000);
    expect((await ask('GET /x', [asAna])).status).toBe(404);
  });
});

describe('what', () => {
  it.each([
    ['GET', 'get'],
    ['HEAD', 'get'],
    ['POST', 'create'],
    ['PUT', 'update'],
    ['PATCH', 'patch'],
    ['DELETE', 'delete'],
  ])(
    '[ID-11] %s needs %s of clusterprofiles/proxy, in the profile’s namespace and by its name',
    async (method, verb) => {
      const may = (verbs: readonly string[]) => allowTraffic({ ana: verbs });
      started.reviews.allows = may(all.filter((each) => each !== verb));
      await expectRefused(ask(`${method} ${pod}`, [asAna]), 404, 'cluster-unknown');
      started.reviews.allows = may([verb]);
      started.clock.advance(10_000);
      started.upstream.answers.push(answerWith(''));
      expect((await ask(`${method} ${pod}`, [asAna])).status).toBe(200);
      expect(started.reviews.askedAccess.at(-1)).toEqual({
        user: users['ana-secret'],
        attributes: {
          verb,
          group: 'multicluster.x-k8s.io',
          resource: 'clusterprofiles',
          subresource: 'proxy',
          namespace: 'fleet',
          name: 'a',
        },
      });
    },
  );

  it.each([
    ['WebSocket', webSocket, 'GET', `${pod}/exec?command=sh`],
    ['WebSocket', webSocket, 'GET', `${pod}/exec?command=sh&watch=true`],
    ['WebSocket', webSocket, 'GET', `${pod}/attach`],
    ['WebSocket', webSocket, 'GET', `${pod}/portforward`],
    ['WebSocket', webSocket, 'GET', pod],
    ['WebSocket', webSocket, 'GET', '/api/v1/nodes/n/proxy/exec'],
    ['WebSocket', webSocket, 'GET', `${pod}/proxy/?watch=true`],
    ['SPDY', spdy, 'POST', `${pod}/exec?command=sh`],
    ['SPDY', spdy, 'GET', `${pod}/exec?command=sh`],
    ['SPDY', spdy, 'POST', `${pod}/portforward`],
    ['no', ['Connection: close'], 'GET', `${pod}/exec?command=sh`],
    ['no', ['Connection: close'], 'GET', '/api/v1/nodes/n/proxy/exec/ns/p/c?command=id'],
    ['no', ['Connection: close'], 'GET', '/api/v1/nodes/n%2Fproxy%2Fexec'],
    ['no', ['Connection: close'], 'GET', '/api/v1/proxy/nodes/n/exec'],
    ['no', ['Connection: close'], 'GET', '/api/v1/nodes/n/proxy/exec/%ff'],
    ['no', ['Connection: close'], 'GET', '/api/v1//nodes/n/proxy/exec'],
    ['no', ['Connection: close'], 'HEAD', '/api/v1/namespaces/n/services/s/proxy/'],
  ])('[ID-12] who may only read opens by %s upgrade no %3$s %4$s', async (_, kind, method, rest) => {
    await expectRefused(send(`${method} ${rest}`, [...kind, asBen]), 404, 'cluster-unknown');
    await headOf(`${method} ${rest}`, [...kind, asAna]);
  });

  it.each([
    [webSocket, '/api/v1/pods?watch=true'],
    [spdy, '/api/v1/watch/pods'],
    [webSocket, `${pod}/log?follow=true`],
  ])('[ID-12] and watches and reads logs by %j %s', async (kind, rest) => {
    await headOf(`GET ${rest}`, [...kind, asBen]);
  });

  it('[ID-15] a cluster that may not be seen answers as one that does not exist, byte for byte', async () => {
    const { host, port } = started.proxy;
    const review = '{"spec":{"resourceAttributes":{"verb":"get"}}}';
    const answersOf = async (path: string): Promise<string[]> => {
      const answers: string[] = [];
      for (const [method, rest] of [
        ['GET', '/api'],
        ['GET', ''],
        ['HEAD', '/api'],
        ['DELETE', '/api/v1/pods'],
        ['OPTIONS', '/api'],
        ['GET', '/portforward'],
        ['POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'],
        ['POST', '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews'],
      ])
        for (const [, kind] of kinds) {
          const body = method === 'POST' && kind.length === 1 ? review : '';
          const client = await openRawClient(port);
          client.send(
            [
              `${method} ${path}${rest} HTTP/1.1`,
              `Host: ${host}`,
              ...kind,
              ...(body === '' ? [] : [`Content-Length: ${body.length}`]),
              bearer('eve-secret'),
              '',
              body,
            ].join('\r\n'),
          );
          answers.push((await client.waitForEnd()).replace(/\r\nDate: [^\r]*/, ''));
          client.socket.destroy();
        }
      return answers;
    };
    const unseen = await answersOf(started.proxy.pathOf('a'));
    expect(unseen).toEqual(await answersOf('/clusters/cluster-inventory-missing'));
    expect(unseen.every((answer) => /^HTTP\/1\.1 (404|405|501) /.test(answer))).toBe(true);
    expect(unseen.join()).not.toContain('fleet');
    expect(started.upstream.connections).toHaveLength(0);
  });

  it('[ID-11, ID-15] who sees a cluster is told what they lack', async () => {
    started.reviews.allows = (_user, { verb, subresource }) => verb === 'list' && subresource === undefined;
    const answer = await ask('GET /api', [bearer('eve-secret')]);
    expect([answer.status, codeOf(answer)]).toEqual([403, 'access-denied']);
    expect(answer.body).toContain('get clusterprofiles/proxy of fleet/a');
    expect(started.upstream.connections).toHaveLength(0);
  });
});

describe('a question about oneself', () => {
  const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
  const reviewOf = (verb: string, resource = 'pods'): string =>
    JSON.stringify({ kind: 'SelfSubjectAccessReview', spec: { resourceAttributes: { verb, resource } } });
  const yes = answerWith('{"status":{"allowed":true}}', '201 Created', 'Connection: close\r\n');

  it.each([
    path,
    '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews',
    '/apis/authentication.k8s.io/v1/selfsubjectreviews',
  ])(
    '[ID-16] POST %s needs only get, with its body whole, also where a policy is read-only',
    async (rest) => {
      for (const readOnly of [false, true]) {
        await restart({ rules: { readOnly } });
        started.upstream.answers.push(yes);
        const body = reviewOf('get');
        expect((await ask(`POST ${rest}`, [asBen], body)).status).toBe(201);
        const connection = await started.upstream.connection(0);
        await connection.waitFor(body);
        expect(connection.received).toContain('Impersonate-User: ben');
      }
    },
  );

  it('[ID-16] at any other path needs create', async () => {
    for (const rest of [
      `${path}/`,
      path.replace('v1', 'v1beta1'),
      '/apis/authorization.k8s.io/v1/subjectaccessreviews',
    ])
      await expectRefused(ask(`POST ${rest}`, [asBen], reviewOf('get')), 404, 'cluster-unknown');
  });

  it('[ID-17] of more depth than an answer can have is refused', async () => {
    const depth = 20_000;
    const body = reviewOf('delete').replace(/}$/, `,"x":${'['.repeat(depth)}${']'.repeat(depth)}}`);
    await expectRefused(ask(`POST ${path}`, [asBen], body), 400, 'body-invalid');
  });

  it('[ID-16] of more than anybody asks is refused', async () => {
    await expectRefused(ask(`POST ${path}`, [asBen], 'x'.repeat(64 * 1024 + 1)), 413, 'body-too-large');
  });

  it('[ID-12, ID-16] as an upgrade is one like any other', async () => {
    await expectRefused(send(`POST ${path}`, [...webSocket, asBen]), 404, 'cluster-unknown');
    // Its own refusal, and what the provider is told about itself.
    started.upstream.answers.push(answerWith('no', '403 Forbidden'), yes);
    expect((await send(`POST ${path}`, [...webSocket, asAna])).status).toBe(403);
  });

  it('[ID-17] is no where the hub would refuse, and the cluster’s to answer where not', async () => {
    const answer = await ask(`POST ${path}`, [asBen], reviewOf('delete'));
    expect(answer.status).toBe(201);
    expect(answer.body).toContain('"status":{"allowed":false');
    expect(started.upstream.connections).toHaveLength(0);
    started.upstream.answers.push(yes, yes);
    expect((await ask(`POST ${path}`, [asBen], reviewOf('list'))).body).toContain('"allowed":true');
    expect((await ask(`POST ${path}`, [asAna], reviewOf('delete'))).body).toContain('"allowed":true');
  });

  it.each([
    [
      'application/vnd.kubernetes.protobuf',
      envelope('SelfSubjectAccessReview', field(2, field(1, field(2, 'delete'), field(5, 'pods')))),
    ],
    ['application/yaml', 'spec: { resourceAttributes: { verb: delete, resource: pods } }\n'],
    ['Application/JSON ; charset=utf-8', reviewOf('delete')],
  ])('[ID-17] is read as %s, too', async (type, body) => {
    const headers = [`Content-Type: ${type}`, asBen];
    const answer = await ask(`POST ${path}`, headers, body);
    expect(answer.status).toBe(201);
    expect(answer.headers).toContain('Content-Type: application/json');
    expect(answer.body).toContain('"status":{"allowed":false');
    expect(started.upstream.connections).toHaveLength(0);
    started.upstream.answers.push(yes);
    expect((await ask(`POST ${path}`, [`Content-Type: ${type}`, asAna], body)).body).toContain(
      '"allowed":true',
    );
    const connection = await started.upstream.connection(0);
    await connection.waitFor(body);
    expect(connection.received).toContain(`Content-Type: ${type}`);
  });

  it.each([
    ['application/cbor', '\xa0', 415, 'media-type-refused'],
    ['text/plain', '{}', 415, 'media-type-refused'],
    ['application/json', 'k8s\0', 400, 'body-invalid'],
    ['application/json', '', 400, 'body-invalid'],
    ['application/yaml', '[1]', 400, 'body-invalid'],
    ['application/vnd.kubernetes.protobuf', '{}', 400, 'body-invalid'],
  ])('[ID-17] as %s, %j is not the cluster’s to answer', async (type, body, status, code) => {
    for (const who of [asAna, asBen])
      await expectRefused(ask(`POST ${path}`, [`Content-Type: ${type}`, who], body), status, code);
  });

  it('[ID-17, ID-20] is no where a read-only policy would refuse, also where all use one credential', async () => {
    await restart({ rules: { mode: 'shared', readOnly: true } });
    for (const [verb, resource] of [
      ['delete', 'pods'],
      ['list', 'secrets'],
    ] as const)
      expect((await ask(`POST ${path}`, [asAna], reviewOf(verb, resource))).body).toContain(
        '"allowed":false',
      );
    expect(started.upstream.connections).toHaveLength(0);
  });

  it('[ID-17] is no yes while the hub is away', async () => {
    await headOf('GET /x', ['Connection: close', asBen]);
    started.reviews.isAway = true;
    started.clock.advance(10_000);
    const answer = await ask(`POST ${path}`, [asBen], reviewOf('delete'));
    expect([answer.status, started.upstream.heads.length]).toEqual([502, 1]);
  });
});

describe('a read-only policy', () => {
  const readOnly = (mode: AccessRules['mode']): Promise<void> => restart({ rules: { mode, readOnly: true } });

  it.each(['shared', 'impersonate'] as const)('[ID-20] under %s lets nothing be changed', async (mode) => {
    await readOnly(mode);
    for (const [line, kind] of [
      [`POST ${pod}`, ['Connection: close']],
      [`PUT ${pod}`, ['Connection: close']],
      [`PATCH ${pod}`, ['Connection: close']],
      [`DELETE ${pod}`, ['Connection: close']],
      [`GET ${pod}/exec`, webSocket],
      [`POST ${pod}/exec`, spdy],
      ['GET /api/v1/nodes/n/proxy/run', ['Connection: close']],
      ['GET /api/v1/nodes/n/proxy/run/%ff', ['Connection: close']],
    ] as const)
      await expectRefused(send(line, [...kind, asAna]), 403, 'read-only');
    await headOf(`GET ${pod}`, ['Connection: close', asAna]);
  });

  it('[ID-20] hides secrets where all use one credential', async () => {
    await readOnly('shared');
    for (const [line, kind] of [
      ['GET /api/v1/secrets', ['Connection: close']],
      ['GET /api/v1/namespaces/n/%73ecrets/s', ['Connection: close']],
      ['GET /api/v1/namespaces/n/secrets/%ff', ['Connection: close']],
      ['GET /api/v1//secrets', ['Connection: close']],
      ['GET /api/v1/secrets?watch=true', webSocket],
    ] as const)
      await expectRefused(send(line, [...kind, asAna]), 403, 'read-only');
    await readOnly('impersonate');
    await headOf('GET /api/v1/secrets', ['Connection: close', asAna]);
  });
});

describe('a browser', () => {
  const cookie = 'Cookie: cluster-inventory-session.0=ana-secret';

  it.each([
    ['Origin: http://evil.example'],
    ['Origin: null'],
    ['Sec-Fetch-Site: cross-site'],
    ['Sec-Fetch-Site: same-site'],
  ])('[TH-10, TH-11] with %s is refused before anybody is asked who it is', async (header) => {
    for (const [, kind] of kinds)
      for (const line of [
        'GET /api/v1/pods?watch=1',
        `POST ${pod}/exec`,
        'POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
      ])
        await expectRefused(send(line, [...kind, header, asAna, cookie]), 403, 'origin-refused');
    expect([started.reviews.askedTokens, started.reviews.askedAccess]).toEqual([[], []]);
  });

  it('[ID-09] that does not say where a page is from has by its cookie only plain GET and HEAD', async () => {
    for (const method of ['GET', 'HEAD'])
      await headOf(`${method} /api/v1/pods`, ['Connection: close', cookie]);
    const { length } = started.upstream.connections;
    for (const [line, kind] of [
      [`POST ${pod}`, ['Connection: close']],
      [`DELETE ${pod}`, ['Connection: close']],
      ['POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews', ['Connection: close']],
      ['GET /api/v1/pods?watch=true', webSocket],
      [`POST ${pod}/exec`, spdy],
      // The cookie counts, whatever else came along.
      [`DELETE ${pod}`, ['Connection: close', asAna]],
    ] as const) {
      const answer = await send(line, [...kind, cookie]);
      expect([answer.status, codeOf(answer)]).toEqual([403, 'origin-refused']);
    }
    expect(started.upstream.connections).toHaveLength(length);
  });

  it('[ID-09] that says its page is our own has all of the user’s rights', async () => {
    for (const own of [`Origin: http://${started.proxy.host}`, 'Sec-Fetch-Site: same-origin'])
      for (const [, kind] of kinds) await headOf(`GET ${pod}/exec`, [...kind, cookie, own]);
  });

  it('[ID-09] a program’s token needs no origin', async () => {
    for (const [, kind] of kinds) await headOf(`POST ${pod}/exec`, [...kind, asAna]);
  });

  it('[ID-01, ID-04] is known by a session of several cookies, and by a subprotocol', async () => {
    const long = 'x'.repeat(9_000);
    started.reviews.users.set(long, person('long'));
    started.reviews.allows = () => true;
    const chunks = [0, 3_800, 7_600].map(
      (start, index) => `cluster-inventory-session.${index}=${long.slice(start, start + 3_800)}`,
    );
    expect(await headOf('GET /x', ['Connection: close', `Cookie: a=b; ${chunks.join('; ')}`])).toContain(
      'Impersonate-User: long',
    );
    const protocol = `base64url.bearer.authorization.k8s.io.${Buffer.from('ben-secret').toString('base64url')}`;
    const head = await headOf('GET /api/v1/pods?watch=1', [
      ...webSocket,
      `Sec-WebSocket-Protocol: ${protocol}`,
    ]);
    expect(head).toContain('Impersonate-User: ben');
    expect(head.join()).not.toContain('Sec-WebSocket-Protocol');
  });
});

describe('somebody who makes the hub be asked without end', () => {
  const reader = allowTraffic({ ana: all, ben: ['get'] });
  const mayBeAnybody: UsersOptions['allows'] = (user, attributes) =>
    attributes.verb === 'impersonate' || reader(user, attributes) || user.name.startsWith('somebody');
  /** 2,002 questions to the hub by one request. */
  const flood = (round: number): Promise<RawAnswer> =>
    ask('GET /x', [
      asAna,
      `Impersonate-User: somebody-${round}`,
      ...Array.from({ length: 2_000 }, (_, index) => `Impersonate-Group: ${round}-${index}`),
    ]);

  it('[ID-10] has 429 and is told when to come again; nobody else is', async () => {
    await restart({ allows: mayBeAnybody });
    for (let round = 0; round < 4; round++) {
      started.upstream.answers.push(answerWith('ok'));
      expect((await flood(round)).status).toBe(200);
    }
    const { length } = started.reviews.askedAccess;
    const refused = await flood(4);
    expect([refused.status, codeOf(refused), refused.headers]).toEqual([
      429,
      'too-many-reviews',
      expect.arrayContaining(['Retry-After: 1']),
    ]);
    expect(started.reviews.askedAccess.length - length).toBeLessThan(2_002);
    for (const headers of [[], webSocket]) {
      const own = await send('GET /api/v1/pods?watch=1', ['Connection: close', asAna, ...headers]);
      expect([own.status, codeOf(own)]).toEqual([429, 'too-many-reviews']);
    }
    started.upstream.answers.push(answerWith('ok'), answerWith('ok'));
    expect((await ask('GET /x', [asBen])).status).toBe(200);
    started.clock.advance(1_000);
    expect((await ask('GET /x', [asAna])).status).toBe(200);
  });
});
