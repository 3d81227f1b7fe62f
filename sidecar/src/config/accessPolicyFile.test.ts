import { readFileSync } from 'node:fs';
import Ajv from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { CodedError } from '../foundation/errors.ts';
import { checkAccessPolicyFile, parseAccessPolicyFile } from './accessPolicyFile.ts';

const docs = new URL('../../../docs/', import.meta.url);
const schema = JSON.parse(readFileSync(new URL('access-policy.schema.json', docs), 'utf8')) as object;
const matchesSchema = new Ajv().compile(schema);
const examples = [
  ...readFileSync(new URL('access-policy.md', docs), 'utf8').matchAll(/^```yaml\n([^]*?)^```$/gm),
].map(([, text = '']) => text);

const head = { apiVersion: 'cluster-inventory.headlamp.dev/v1alpha1', kind: 'AccessPolicy' };
const ruleOf = (fields: object): object => ({ rules: [{ match: { provider: 'p' }, ...fields }] });
const labelsOf = (fields: object): object => ({
  labels: [{ match: { env: 'prod' }, narrow: { readOnly: true }, ...fields }],
});

function faultsOf(text: string): readonly string[] {
  const checked = checkAccessPolicyFile(text);
  return 'faults' in checked ? checked.faults : [];
}

describe('what schema and parser accept', () => {
  it('the documentation has three examples', () => {
    expect(examples).toHaveLength(3);
  });

  it.each(examples)('an example of the documentation', (text) => {
    expect(faultsOf(text)).toEqual([]);
    expect(matchesSchema(parseYaml(text))).toBe(true);
  });

  it.each<object>([
    {},
    { defaults: {}, rules: [], labels: [] },
    { defaults: { mode: 'shared', readOnly: true, exposeSecrets: ['secrets', 'serviceaccounts/token'] } },
    { defaults: { mode: 'passthrough', allowedServers: [] } },
    { defaults: { refuse: 'not yet', allowedNamespaces: ['team-*'] } },
    ruleOf({ allowedServers: ['*', '*:6443', 'a.example', 'A-*.example:*', '10.0.0.0/8', '[::1]:1'] }),
    ruleOf({ allow: { insecure: true, proxyUrl: true, http: true, loopback: false, linkLocal: true } }),
    ruleOf({ allow: { metadata: true } }),
    ruleOf({ allow: { proxyUrl: ['egress.example.com:3128', '10.0.0.0/8:*'] } }),
    ruleOf({ users: { prefix: '', groupPrefix: 'oidc:', serviceAccountPrefix: 'sa:', uid: true } }),
    ruleOf({ users: { extraKeys: ['scopes', 'authentication.kubernetes.io/credential-id'] } }),
    ruleOf({ users: { prefix: 'systems:' } }),
    { rules: [{ match: { root: '*', namespace: ['a', 'b'], clusterManager: 'm*', provider: 'p' } }] },
    labelsOf({ match: { 'example.com/tier': '', env: '*' } }),
    labelsOf({ narrow: { mode: 'impersonate', readOnly: true, refuse: 'no' } }),
  ])('%j', (fields) => {
    const value = { ...head, ...fields };
    expect(faultsOf(JSON.stringify(value))).toEqual([]);
    expect(matchesSchema(value)).toBe(true);
  });
});

describe('what both refuse, the parser with the place', () => {
  it.each<[object, string]>([
    [{ apiVersion: 'cluster-inventory.headlamp.dev/v1' }, 'apiVersion: "cluster-inventory.headlamp.dev/v1"'],
    [{ apiVersion: undefined }, 'apiVersion: is missing'],
    [{ kind: 'Policy' }, 'kind: "Policy" is not AccessPolicy'],
    [{ rule: [] }, 'rule: is not known here; apiVersion, kind, defaults, rules, labels are'],
    [{ rules: {} }, 'rules: is not a list'],
    [{ rules: null }, 'rules: is not a list'],
    [{ defaults: [] }, 'defaults: is not a map'],
    [{ defaults: { mod: 'shared' } }, 'defaults.mod: is not known here'],
    [{ defaults: { match: { provider: 'p' } } }, 'defaults.match: is not known here'],
    [{ defaults: { readOnly: 'yes' } }, 'defaults.readOnly: "yes" is not true or false'],
    [{ defaults: { readOnly: null } }, 'defaults.readOnly: null is not true or false'],
    [{ defaults: { mode: null } }, 'defaults.mode: null is not one of'],
    [
      { rules: [{ match: { root: 'a' } }, { match: { root: 'b' }, mode: 'foo' }] },
      'rules[1].mode: "foo" is not one of impersonate, shared, passthrough',
    ],
    [{ rules: ['x'] }, 'rules[0]: is not a map'],
    [{ rules: [{ mode: 'shared' }] }, 'rules[0].match: is missing'],
    [{ rules: [{ match: {} }] }, 'rules[0].match: is empty'],
    [{ rules: [{ match: { name: 'x' } }] }, 'rules[0].match.name: is not known here'],
    [{ rules: [{ match: { provider: '' } }] }, 'rules[0].match.provider: is empty'],
    [{ rules: [{ match: { provider: [] } }] }, 'rules[0].match.provider: is empty'],
    [{ rules: [{ match: { provider: ['a', 1] } }] }, 'rules[0].match.provider[1]: 1 is not text'],
    [ruleOf({ exposeSecrets: ['pods'] }), 'rules[0].exposeSecrets[0]: "pods" is not one of'],
    [ruleOf({ exposeSecrets: true }), 'rules[0].exposeSecrets: is not a list'],
    [ruleOf({ allowedServers: null }), 'rules[0].allowedServers: is not a list'],
    [ruleOf({ allowedServers: '*' }), 'rules[0].allowedServers: is not a list'],
    [ruleOf({ allowedServers: ['10.0.*.*'] }), 'rules[0].allowedServers[0]: "10.0.*.*" ends in *'],
    [ruleOf({ allowedServers: ['https://a.example'] }), 'rules[0].allowedServers[0]:'],
    [ruleOf({ allowedServers: [''] }), 'rules[0].allowedServers[0]:'],
    [ruleOf({ allowedNamespaces: [''] }), 'rules[0].allowedNamespaces[0]: is empty'],
    [ruleOf({ allow: { privateAddresses: true } }), 'rules[0].allow.privateAddresses: is not known here'],
    [ruleOf({ allow: { insecure: 'true' } }), 'rules[0].allow.insecure: "true" is not true or false'],
    [ruleOf({ allow: ['insecure'] }), 'rules[0].allow: is not a map'],
    [ruleOf({ users: { extraKeys: ['Scopes'] } }), 'rules[0].users.extraKeys[0]: "Scopes" is not a key'],
    [ruleOf({ users: { prefix: 'a b' } }), 'rules[0].users.prefix: is not up to 64 visible'],
    [ruleOf({ users: { prefix: 'a\r\nX: y' } }), 'rules[0].users.prefix: is not up to 64 visible'],
    [ruleOf({ users: { name: 'x' } }), 'rules[0].users.name: is not known here'],
    [ruleOf({ refuse: ' ' }), 'rules[0].refuse: is not a reason'],
    [ruleOf({ refuse: true }), 'rules[0].refuse: true is not text'],
    [ruleOf({ refuse: 'x'.repeat(301) }), 'rules[0].refuse: is not a reason'],
    [labelsOf({ match: {} }), 'labels[0].match: is empty'],
    [labelsOf({ match: { 'not a label': 'x' } }), 'labels[0].match: "not a label" is not a label key'],
    [labelsOf({ match: { env: true } }), 'labels[0].match.env: true is not text'],
    [labelsOf({ match: undefined }), 'labels[0].match: is missing'],
    [labelsOf({ selector: 'env=prod' }), 'labels[0].selector: is not known here'],
    [labelsOf({ narrow: {} }), 'labels[0].narrow: is empty'],
    [labelsOf({ narrow: undefined }), 'labels[0].narrow: is missing'],
  ])('%j', (fields, fault) => {
    const text = JSON.stringify({ ...head, ...fields });
    expect(faultsOf(text).join('\n')).toContain(fault);
    expect(matchesSchema(JSON.parse(text))).toBe(false);
  });

  it.each<[object]>([
    [{ mode: 'shared' }],
    [{ mode: 'passthrough' }],
    [{ readOnly: false }],
    [{ allowedServers: ['*'] }],
    [{ exposeSecrets: ['secrets'] }],
    [{ allow: { insecure: true } }],
    [{ readOnly: true, users: { prefix: '' } }],
  ])('[TH-49, ID-20] a label that would widen: %j', (narrow) => {
    const value = { ...head, ...labelsOf({ narrow }) };
    expect(faultsOf(JSON.stringify(value)).join()).toContain('labels[0].narrow.');
    expect(matchesSchema(value)).toBe(false);
  });

  it.each(['', 'system:', 'system', 'sys', 's', 'system:x'])(
    '[ID-22] %j as a prefix of ServiceAccounts',
    (serviceAccountPrefix) => {
      const value = { ...head, ...ruleOf({ users: { serviceAccountPrefix } }) };
      expect(faultsOf(JSON.stringify(value)).join()).toContain('rules[0].users.serviceAccountPrefix: ');
      expect(matchesSchema(value)).toBe(false);
    },
  );

  it.each(['system:', 'system', 'sys', 's', 'system:x'])(
    '[ID-22] %j as a prefix, with which the right name is one of Kubernetes’ own',
    (prefix) => {
      for (const users of [{ prefix }, { groupPrefix: prefix }]) {
        const value = { ...head, ...ruleOf({ users }) };
        expect(faultsOf(JSON.stringify(value)).join()).toContain('Kubernetes’ own names begin');
        expect(matchesSchema(value)).toBe(false);
      }
    },
  );

  it.each([{ defaults: { mode: 'passthrough' } }, ruleOf({ mode: 'passthrough' })])(
    '[AC-26] users’ own tokens without a word where they may be sent: %j',
    (fields) => {
      const value = { ...head, ...fields };
      expect(faultsOf(JSON.stringify(value)).join()).toContain('.allowedServers: is missing');
      expect(matchesSchema(value)).toBe(false);
    },
  );
});

describe('the text of an access policy', () => {
  it.each([
    ['not YAML', 'apiVersion: [', /^line 1, column /],
    ['a key twice', 'kind: a\nkind: b', /^line 2, column 1/],
    ['empty', '', /^is not a map$/],
    ['two documents', 'a: 1\n---\nb: 1', /^line /],
    [
      'a bomb of aliases',
      'a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b]',
      /^has too many aliases$/,
    ],
    ['a prototype', '{"__proto__": {"mode": "shared"}}', /^__proto__: is not known here/],
    ['keys of every object', '{"constructor": {}}', /^constructor: is not known here/],
  ])('%s is refused', (_case, text, fault) => {
    expect(faultsOf(text)[0]).toMatch(fault);
  });

  it('every fault is named, and the error carries its code', () => {
    const text = JSON.stringify({ ...head, defaults: { mode: 'x' }, rules: [{ match: {}, readOnly: 1 }] });
    expect(faultsOf(text)).toHaveLength(3);
    expect(() => parseAccessPolicyFile(text)).toThrow(
      /^is not valid: defaults\.mode: .*; rules\[0\]\.match: /,
    );
    try {
      parseAccessPolicyFile(text);
    } catch (thrown) {
      expect(thrown instanceof CodedError && thrown.code).toBe('access-policy-invalid');
    }
  });

  it('what was read is frozen all the way down', () => {
    const file = parseAccessPolicyFile(examples[0] ?? '');
    const assertFrozen = (value: unknown): void => {
      if (typeof value !== 'object' || value === null || value instanceof Map) return;
      expect(Object.isFrozen(value), JSON.stringify(value)).toBe(true);
      Object.values(value).forEach(assertFrozen);
    };
    assertFrozen(file);
    expect(file.rules[0]?.match).toEqual({ provider: ['gke'], namespace: ['fleet', 'fleet-eu'] });
  });
});
