import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createManualClock } from '../../test/support/manualClock.ts';
import type { AuditMode } from '../config/options.ts';
import { CodedError } from '../foundation/errors.ts';
import { createAuditLog } from './audit.ts';
import type { AuditFacts, KnownFacts } from './auditLine.ts';

type Line = Readonly<Record<string, unknown>>;

const ann = { name: 'ann', uid: 'u-1', groups: ['dev'] };
const clusterNamed = (name: string): AuditFacts['cluster'] => ({
  key: `hub/fleet/${name}`,
  name: `cluster-inventory-${name}`,
  provider: 'p',
  profile: { uid: `uid-of-${name}` },
});
const pods = { group: '', resource: 'pods', subresource: '', namespace: 'n', name: '', isWatch: false };
const read: KnownFacts = {
  user: ann,
  actsAs: ann,
  cluster: clusterNamed('a'),
  verb: 'get',
  asked: pods,
  isUpgrade: false,
  isLong: false,
};

function start(mode: AuditMode = 'writes') {
  const clock = createManualClock();
  const texts: string[] = [];
  const audit = createAuditLog({ mode, clock, write: (line) => texts.push(line) });
  const ask = (facts: KnownFacts, code?: ConstructorParameters<typeof CodedError>[0]): void => {
    const record = audit.begin('192.0.2.1');
    Object.assign(record.know(), facts);
    if (code) record.failed(new CodedError(code), true);
    else record.answered(200);
    record.finish();
  };
  return {
    audit,
    clock,
    ask,
    texts,
    lines: () => texts.map((text) => JSON.parse(text) as Line),
  };
}

describe('what has a line', () => {
  it('[ID-30] a read once for each user, identity, cluster and minute', () => {
    const { clock, ask, lines } = start();
    const others = [
      read,
      { ...read, user: { ...ann, name: 'ben' }, actsAs: { ...ann, name: 'ben' } },
      { ...read, actsAs: { ...ann, name: 'ben' } },
      { ...read, cluster: clusterNamed('b') },
    ];
    for (const facts of [...others, ...others]) ask(facts);
    ask({ ...read, asked: { ...pods, resource: 'secrets' } });
    expect(lines()).toHaveLength(4);
    clock.advance(59_999);
    ask(read);
    expect(lines()).toHaveLength(4);
    clock.advance(1);
    ask(read);
    expect(lines()).toHaveLength(5);
  });

  it('[ID-30] a read of anybody for the first time, whatever their names are', () => {
    const name = fc.constantFrom(undefined, '', 'a', '["a","b"]', '["a",null]', 'null', 'b');
    const asked = fc.record({ user: name, actsAs: name, key: name });
    fc.assert(
      fc.property(fc.array(asked, { maxLength: 60 }), (all) => {
        const { ask, texts } = start();
        const seen = new Set<string>();
        for (const { user, actsAs, key } of all) {
          ask({
            ...read,
            user: user === undefined ? undefined : { ...ann, name: user },
            actsAs: actsAs === undefined ? undefined : { ...ann, name: actsAs },
            cluster: key === undefined ? undefined : { ...clusterNamed('a'), key },
          });
          seen.add(JSON.stringify([user, actsAs, key]));
          expect(texts).toHaveLength(seen.size);
        }
      }),
    );
  });

  it('[ID-30] each write and upgrade, however many; under `all` each read too', () => {
    const { ask, lines } = start();
    for (const verb of ['create', 'update', 'patch', 'delete']) {
      ask({ ...read, verb });
      ask({ ...read, verb });
    }
    ask({ ...read, isUpgrade: true });
    ask({ ...read, isUpgrade: true });
    expect(lines()).toHaveLength(10);
    const all = start('all');
    all.ask(read);
    all.ask(read);
    expect(all.lines()).toHaveLength(2);
  });

  it('[ID-30] each refusal of a user; a cluster that cannot be reached is none', () => {
    const { ask, lines } = start();
    for (let count = 0; count < 200; count++) ask(read, 'access-denied');
    expect(lines()).toHaveLength(200);
    expect(lines()[0]).toMatchObject({ decision: 'deny', code: 'access-denied', status: 403, user: 'ann' });
    ask(read, 'connection-refused');
    ask(read, 'connection-refused');
    expect(lines()).toHaveLength(201);
    expect(lines().at(-1)).toMatchObject({ decision: 'allow', code: 'connection-refused', status: 502 });
  });

  it('[ID-30] what the policy refuses is a refusal, what a profile or the sidecar has wrong is none', () => {
    const { ask, lines } = start();
    const write = { ...read, verb: 'create' };
    for (const code of ['server-not-allowed', 'policy-refused', 'reviews-unavailable'] as const)
      ask(write, code);
    for (const code of ['no-access-provider', 'internal-error', 'shutting-down'] as const) ask(write, code);
    expect(lines().map(({ decision }) => decision)).toEqual([
      ...['deny', 'deny', 'deny'],
      ...['allow', 'allow', 'allow'],
    ]);
  });

  it('[ID-30] of those whom nobody knows 100 refusals a second, and how many more there were', () => {
    const { clock, ask, lines } = start('all');
    for (let count = 0; count < 250; count++) ask({ clusterName: 'x' }, 'sign-in-required');
    expect(lines()).toHaveLength(100);
    expect(lines()[0]).toMatchObject({ event: 'request', decision: 'deny', cluster: { name: 'x' } });
    clock.advance(1000);
    expect(lines().slice(100)).toMatchObject([{ event: 'refusals-not-written', count: 150 }]);
    ask({ clusterName: 'x' }, 'sign-in-required');
    expect(lines()).toHaveLength(102);
    // Users are not kept out of the log by strangers.
    for (let count = 0; count < 250; count++) ask({ clusterName: 'x' }, 'sign-in-required');
    const before = lines().length;
    ask(read, 'access-denied');
    expect(lines()).toHaveLength(before + 1);
  });

  it('[ID-30] refusals that were counted are said before those of the next second, and at the end', () => {
    const { audit, clock, ask, lines } = start();
    const refuse = (times: number): void => {
      for (let count = 0; count < times; count++) ask({}, 'token-rejected');
    };
    clock.advance(900);
    refuse(101);
    clock.advance(200);
    refuse(103);
    expect(lines()[100]).toMatchObject({ event: 'refusals-not-written', count: 1 });
    audit.close();
    expect(lines().at(-1)).toMatchObject({ event: 'refusals-not-written', count: 3 });
    expect(clock.pending).toBe(0);
  });
});

describe('streams', () => {
  it('[ID-30] a line at the start and one at the end, with how long and how much', () => {
    const { audit, clock, lines } = start();
    const record = audit.begin('192.0.2.1');
    Object.assign(record.know(), { ...read, verb: 'create', isUpgrade: true, isLong: true });
    record.answered(101);
    clock.advance(5000);
    record.bytesIn = 3;
    record.bytesOut = 9;
    record.finish();
    record.finish();
    expect(lines()).toMatchObject([
      { event: 'stream-start', status: 101, durationMs: 0, requestId: record.requestId },
      { event: 'stream-end', status: 101, durationMs: 5000, bytesIn: 3, bytesOut: 9 },
    ]);
    expect(lines()[0]).not.toHaveProperty('bytesIn');
    expect(lines()[1]).toMatchObject({ requestId: record.requestId });
  });

  it('[ID-30] a watch counts as a read at its start: both lines, or none; one that is cut off has its end', () => {
    const { audit, lines } = start();
    const watch = (code?: 'access-denied'): void => {
      const record = audit.begin('192.0.2.1');
      Object.assign(record.know(), { ...read, isLong: true });
      record.answered(200);
      if (code) record.failed(new CodedError(code), false);
      record.finish();
    };
    watch();
    watch();
    expect(lines().map(({ event }) => event)).toEqual(['stream-start', 'stream-end']);
    watch('access-denied');
    expect(lines().at(-1)).toMatchObject({ event: 'stream-end', decision: 'deny', status: 200 });
  });

  it('[ID-30] one that the cluster refuses has a single line', () => {
    const { audit, lines } = start();
    const record = audit.begin('192.0.2.1');
    Object.assign(record.know(), { ...read, isUpgrade: true, isLong: true });
    record.answered(403);
    record.finish();
    expect(lines()).toMatchObject([{ event: 'request', status: 403, decision: 'allow' }]);
  });

  it('[ID-30] what is open when the process ends has its end', () => {
    const { audit, lines } = start();
    const stream = audit.begin('192.0.2.1');
    Object.assign(stream.know(), { ...read, isUpgrade: true, isLong: true });
    stream.answered(101);
    const write = audit.begin('192.0.2.1');
    Object.assign(write.know(), { ...read, verb: 'delete' });
    audit.close();
    write.finish();
    expect(lines()).toMatchObject([
      { event: 'stream-start' },
      { event: 'stream-end', code: 'shutting-down', status: 101 },
      { event: 'request', code: 'shutting-down', verb: 'delete' },
    ]);
    expect(lines()[2]).not.toHaveProperty('status');
  });
});

describe('a line', () => {
  it('[ID-30] who, what, as whom and what came of it', () => {
    const { ask, texts } = start();
    ask({
      ...read,
      isStale: true,
      actsAs: { name: 'ben', uid: '', groups: ['ops'] },
      verb: 'update',
      mode: 'impersonate',
      identityHeaders: [
        ['Impersonate-User', Buffer.from('hub:bén').toString('latin1')],
        ['Impersonate-Group', 'hub:ops'],
        ['Impersonate-Uid', 'left-out'],
      ],
      asked: { ...pods, group: 'apps', resource: 'deployments', subresource: 'scale', name: 'web' },
    });
    const { requestId, ...line } = JSON.parse(texts[0] ?? '') as Line;
    expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
    expect(line).toEqual({
      schema: 'cluster-inventory.headlamp.dev/audit/v1',
      time: '2026-01-01T00:00:00.000Z',
      event: 'request',
      sourceAddress: '192.0.2.1',
      user: 'ann',
      uid: 'u-1',
      groups: ['dev'],
      stale: true,
      actsAs: { user: 'ben', groups: ['ops'] },
      cluster: { key: 'hub/fleet/a', uid: 'uid-of-a', name: 'cluster-inventory-a' },
      mode: 'impersonate',
      identitySent: { user: 'hub:bén', groups: ['hub:ops'] },
      provider: 'p',
      verb: 'update',
      apiGroup: 'apps',
      resource: 'deployments',
      subresource: 'scale',
      namespace: 'n',
      name: 'web',
      decision: 'allow',
      status: 200,
      durationMs: 0,
      bytesIn: 0,
      bytesOut: 0,
    });
    expect(texts[0]).toMatch(/^[^\n]+\n$/);
  });

  it('[ID-30] at most 50 groups, and how many there are; no text without end', () => {
    const { ask, lines } = start();
    const groups = Array.from({ length: 51 }, (_, index) => `g-${index}`);
    ask({
      ...read,
      user: { name: 'x'.repeat(5000), uid: '', groups },
      identityHeaders: [
        ['Impersonate-User', 'a'],
        ...groups.map((group) => ['Impersonate-Group', group] as const),
      ],
    });
    expect(lines()[0]).toMatchObject({
      groups: groups.slice(0, 50),
      groupCount: 51,
      identitySent: { groups: groups.slice(0, 50), groupCount: 51 },
      user: `${'x'.repeat(1024)}…`,
    });
    ask({ ...read, user: { name: 'y', uid: '', groups: groups.slice(1) } });
    expect(lines()[1]).not.toHaveProperty('groupCount');
  });

  it('[ID-30] what a client writes stays in its field and on its line', () => {
    const { ask, texts } = start();
    const name = 'a"},\n{"user":"b\u2028';
    ask({ ...read, asked: { ...pods, name } });
    expect(texts.join('').trimEnd().split('\n')).toHaveLength(1);
    expect(JSON.parse(texts[0] ?? '')).toMatchObject({ user: 'ann', name });
  });
});
