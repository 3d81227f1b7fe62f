import { describe, expect, it } from 'vitest';
import { codedErrorOf } from '../../test/support/codedErrorOf.ts';
import type { AccessRules } from '../clusters/accessPolicy.ts';
import { parseKubernetesRequest } from './kubernetesRequest.ts';
import { assertReadable } from './readOnly.ts';
import type { TrafficVerb } from './requestVerb.ts';

type Rules = Pick<AccessRules, 'readOnly' | 'mode' | 'exposed'>;
const shared: Rules = { readOnly: true, mode: 'shared', exposed: [] };

const assert = (rules: Rules, rest: string, verb: TrafficVerb = 'get'): void => {
  assertReadable(rules, parseKubernetesRequest(rest), verb);
};
const codeOf = async (rules: Rules, rest: string, verb?: TrafficVerb): Promise<string> =>
  (await codedErrorOf(() => assert(rules, rest, verb))).code;

describe('read-only', () => {
  it.each(['create', 'update', 'patch', 'delete'] as const)(
    'ID-20: nothing is changed by %s',
    async (verb) => {
      for (const mode of ['shared', 'impersonate', 'passthrough'] as const)
        expect(await codeOf({ ...shared, mode }, '/api/v1/pods', verb)).toBe('read-only');
    },
  );

  it('ID-20: what is no secret is read', () => {
    for (const rest of [
      '/api/v1/pods',
      '/version',
      '/apis/x.example/v1/secrets',
      '/api/v1/serviceaccounts',
      '/api/v1/namespaces/secrets',
      '/api/v1/namespaces/secrets/configmaps/secrets',
    ])
      assert(shared, rest);
  });

  it.each([
    '/api/v1/secrets',
    '/api/v1/secrets?watch=true',
    '/api/v1/watch/secrets',
    '/api/v1/namespaces/n/secrets',
    '/api/v1/namespaces/n/secrets/s',
    '/api/v1/namespaces/n/%73ecrets/s',
    '/api/v1/namespaces%2Fn%2Fsecrets',
    '/api/v1/namespaces/n/serviceaccounts/a/token',
  ])('ID-20: where all use one credential, %s stays unseen', async (rest) => {
    expect(await codeOf(shared, rest)).toBe('read-only');
    // It is the user's own right under these.
    assert({ ...shared, mode: 'impersonate' }, rest);
    assert({ ...shared, mode: 'passthrough' }, rest);
    assert({ ...shared, readOnly: false }, rest);
  });

  it('ID-20: the policy may name each of them, and names no other by it', async () => {
    const secret = '/api/v1/namespaces/n/secrets/s';
    const token = '/api/v1/namespaces/n/serviceaccounts/a/token';
    assert({ ...shared, exposed: ['secrets'] }, secret);
    expect(await codeOf({ ...shared, exposed: ['secrets'] }, token)).toBe('read-only');
    assert({ ...shared, exposed: ['serviceaccounts/token'] }, token);
    expect(await codeOf({ ...shared, exposed: ['serviceaccounts/token'] }, secret)).toBe('read-only');
  });
});

it('ID-20: not read-only, everything is the hub’s and the cluster’s to decide', () => {
  for (const verb of ['get', 'create', 'update', 'patch', 'delete'] as const)
    assert({ ...shared, readOnly: false }, '/api/v1/namespaces/n/secrets/s', verb);
});
