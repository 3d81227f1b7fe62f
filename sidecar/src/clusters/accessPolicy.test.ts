import { describe, expect, it } from 'vitest';
import { parseAccessPolicyFile } from '../config/accessPolicyFile.ts';
import {
  type AccessPolicy,
  type AccessRules,
  decideAccessRules,
  desktopAccessPolicy,
  findUnboundProviders,
  podAccessPolicy,
  type PolicySubject,
} from './accessPolicy.ts';

function policy(content: object, base: AccessPolicy = podAccessPolicy): AccessPolicy {
  const file = parseAccessPolicyFile(
    JSON.stringify({
      apiVersion: 'cluster-inventory.headlamp.dev/v1alpha1',
      kind: 'AccessPolicy',
      ...content,
    }),
  );
  return { ...base, file };
}

function decide(content: object, subject: Partial<PolicySubject> = {}, base?: AccessPolicy): AccessRules {
  return decideAccessRules(policy(content, base), {
    root: 'in-cluster',
    namespace: 'fleet',
    clusterManager: 'manager',
    provider: 'p',
    labels: {},
    ...subject,
  });
}

describe('without a policy file', () => {
  it('[ID-20] in a pod each user goes as themselves, and nothing is let through', () => {
    expect(decide({})).toEqual({
      mode: 'impersonate',
      readOnly: false,
      exposed: [],
      allowedServers: undefined,
      allowInsecure: false,
      allowProxyUrl: false,
      allowHttp: false,
      allowLoopback: false,
      allowLinkLocal: false,
      allowMetadata: false,
      users: { prefix: '', groupPrefix: '', serviceAccountPrefix: 'hub:', uid: false, extraKeys: [] },
    });
  });

  it('[ID-20, AC-25] on the desktop the credential is shared and loopback allowed, and that is all', () => {
    expect(decide({}, {}, desktopAccessPolicy)).toEqual({
      ...decide({}),
      mode: 'shared',
      allowLoopback: true,
    });
  });
});

describe('which rule decides', () => {
  it.each<[string, object, Partial<PolicySubject>]>([
    ['root', { root: 'in-*' }, { root: 'store/x' }],
    ['namespace', { namespace: ['other', 'fleet'] }, { namespace: 'fleet-2' }],
    ['cluster manager', { clusterManager: 'manager' }, { clusterManager: '' }],
    ['provider', { provider: 'p' }, { provider: 'P' }],
    ['all of them', { root: '*', namespace: '*', provider: 'p' }, { provider: 'q' }],
  ])('[ID-20] a rule matches by %s', (_by, match, another) => {
    const content = { rules: [{ match, readOnly: true }] };
    expect(decide(content).readOnly).toBe(true);
    expect(decide(content, another).readOnly).toBe(false);
  });

  it('[ID-20] the first rule that matches decides alone', () => {
    const rules = [
      { match: { provider: 'q' }, mode: 'shared', allow: { http: true } },
      { match: { namespace: 'fleet' }, readOnly: true },
      { match: { provider: 'p' }, mode: 'shared', allow: { insecure: true } },
    ];
    expect(decide({ rules })).toEqual({ ...decide({}), readOnly: true });
  });

  it('what a rule leaves out is the defaults’, and what these leave out is built in', () => {
    const rules = decide({
      defaults: {
        mode: 'shared',
        readOnly: true,
        allowedServers: ['*'],
        allow: { insecure: true, http: true },
        users: { prefix: 'd:', groupPrefix: 'd:' },
      },
      rules: [
        {
          match: { provider: 'p' },
          readOnly: false,
          exposeSecrets: ['secrets'],
          allow: { http: false, linkLocal: true, metadata: true, proxyUrl: true },
          users: { prefix: '', uid: true, extraKeys: ['scopes'], serviceAccountPrefix: 'sa:' },
        },
      ],
    });
    expect(rules).toEqual({
      mode: 'shared',
      readOnly: false,
      exposed: ['secrets'],
      allowedServers: ['*'],
      allowInsecure: true,
      allowProxyUrl: true,
      allowHttp: false,
      allowLoopback: false,
      allowLinkLocal: true,
      allowMetadata: true,
      users: { prefix: '', groupPrefix: 'd:', serviceAccountPrefix: 'sa:', uid: true, extraKeys: ['scopes'] },
    });
  });

  it('refuse of the defaults is for what no rule is about', () => {
    const content = {
      defaults: { refuse: 'not named' },
      rules: [{ match: { provider: 'p' } }, { match: { provider: 'q' }, refuse: 'gone' }],
    };
    expect(decide(content).refused).toBeUndefined();
    expect(decide(content, { provider: 'q' }).refused).toBe('gone');
    expect(decide(content, { provider: 'r' }).refused).toBe('not named');
  });
});

describe('namespaces and servers', () => {
  it('[AC-26] a provider serves the namespaces that it is given', () => {
    const content = { rules: [{ match: { provider: 'p' }, allowedNamespaces: ['fleet', 'team-*'] }] };
    expect(decide(content).refused).toBeUndefined();
    expect(decide(content, { namespace: 'team-a' }).refused).toBeUndefined();
    expect(decide(content, { namespace: 'other' }).refused).toContain('does not serve the namespace "other"');
    const byDefault = { defaults: { allowedNamespaces: [] } };
    expect(decide(byDefault).refused).toContain('does not serve');
  });

  it('[AC-26, TH-49] where several namespaces are watched, servers have to be named', () => {
    const several = { ...podAccessPolicy, requireAllowedServers: true };
    expect(decide({}, {}, several).refused).toContain('no allowedServers for the provider "p"');
    for (const allowedServers of [['*'], ['a.example'], []])
      expect(decide({ defaults: { allowedServers } }, {}, several).refused).toBeUndefined();
    expect(decide({}).refused).toBeUndefined();
  });

  it('[AC-26] a provider that some profile could have without allowedServers is found', () => {
    const find = (content: object): string[] => findUnboundProviders(policy(content), ['p', 'q']);
    const servers = { allowedServers: ['*'] };
    expect(find({})).toEqual(['p', 'q']);
    expect(find({ defaults: servers })).toEqual([]);
    expect(find({ defaults: { refuse: 'no' } })).toEqual([]);
    expect(find({ rules: [{ match: { provider: 'p' }, ...servers }] })).toEqual(['q']);
    expect(find({ rules: [{ match: { provider: ['p', 'q'] }, ...servers }] })).toEqual([]);
    expect(find({ rules: [{ match: { provider: 'p', namespace: 'a' }, ...servers }] })).toEqual(['p', 'q']);
    expect(find({ defaults: servers, rules: [{ match: { provider: 'p', namespace: 'a' } }] })).toEqual([]);
    expect(
      find({ rules: [{ match: { namespace: 'a' } }, { match: { provider: '*' }, ...servers }] }),
    ).toEqual(['p', 'q']);
    expect(find({ rules: [{ match: { provider: 'p' }, refuse: 'no' }] })).toEqual(['q']);
  });
});

describe('labels', () => {
  const wide = { mode: 'shared', exposeSecrets: ['secrets'], allowedServers: ['*'] };
  const label = (match: object, narrow: object): object => ({ match, narrow });

  it('[ID-20] narrow towards impersonate, read-only and refused, all that match', () => {
    const content = {
      defaults: wide,
      labels: [
        label({ env: 'prod*' }, { readOnly: true }),
        label({ env: 'prod', tier: '1' }, { mode: 'impersonate' }),
        label({ quarantine: '*' }, { refuse: 'in quarantine' }),
      ],
    };
    const by = (labels: Record<string, string>): unknown[] => {
      const { mode, readOnly, refused } = decide(content, { labels });
      return [mode, readOnly, refused];
    };
    expect(by({})).toEqual(['shared', false, undefined]);
    expect(by({ env: 'prod-eu' })).toEqual(['shared', true, undefined]);
    expect(by({ env: 'prod', tier: '1' })).toEqual(['impersonate', true, undefined]);
    expect(by({ env: 'dev', tier: '1' })).toEqual(['shared', false, undefined]);
    expect(by({ quarantine: '' })).toEqual(['shared', false, 'in quarantine']);
  });

  it('a label that no profile has is nobody’s: neither empty nor inherited', () => {
    const content = { labels: [label({ constructor: '*' }, { readOnly: true })] };
    expect(decide(content).readOnly).toBe(false);
  });

  it('[TH-49] more labels never make it wider, whatever the mode', () => {
    const rank = ({ mode, readOnly, refused }: AccessRules): number[] => [
      mode === 'shared' ? 1 : 0,
      readOnly ? 0 : 1,
      refused === undefined ? 1 : 0,
    ];
    const labels = ['a', 'b', 'c'];
    for (const mode of ['impersonate', 'shared', 'passthrough']) {
      const content = {
        defaults: { ...wide, mode },
        labels: [
          label({ a: '*' }, { mode: 'impersonate' }),
          label({ b: '*' }, { readOnly: true }),
          label({ c: '*' }, { refuse: 'c' }),
        ],
      };
      for (let chosen = 0; chosen < 8; chosen++) {
        const of = (bits: number): Record<string, string> =>
          Object.fromEntries(labels.filter((_, index) => bits & (1 << index)).map((name) => [name, 'x']));
        const before = decide(content, { labels: of(chosen) });
        for (let added = 0; added < 8; added++) {
          const after = decide(content, { labels: of(chosen | added) });
          rank(after).forEach((value, index) => {
            expect(value).toBeLessThanOrEqual(rank(before)[index] ?? 0);
          });
          expect({ ...after, mode: 0, readOnly: 0, refused: 0 }).toEqual({
            ...before,
            mode: 0,
            readOnly: 0,
            refused: 0,
          });
        }
      }
      // The provider's plugin is not brought in where the policy keeps it out.
      if (mode === 'passthrough') expect(decide(content, { labels: { a: 'x' } }).mode).toBe('passthrough');
    }
  });

  it('[TH-49] labels are no part of which rule decides', () => {
    const content = { rules: [{ match: { namespace: 'trusted' }, ...wide }] };
    const labels = { namespace: 'trusted', mode: 'shared', 'cluster-inventory.headlamp.dev/mode': 'shared' };
    expect(decide(content, { labels })).toEqual(decide({}));
  });
});
