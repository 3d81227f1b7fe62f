import { describe, expect, it } from 'vitest';
import type { PluginInvocation } from './credential.ts';
import { buildInvocationKey } from './invocationKey.ts';

const invocation: PluginInvocation = {
  provider: 'example',
  command: 'plugin',
  args: ['a', 'b'],
  env: [{ name: 'A', value: '1' }],
  apiVersion: 'client.authentication.k8s.io/v1',
  cluster: { server: 'https://example.test', config: { name: 'spoke' } },
  owner: 'uid-1',
  ownerName: 'store/hub/default/a',
};
const { cluster: _cluster, ...withoutCluster } = invocation;

describe('buildInvocationKey', () => {
  it('[EX-20] is the same for the same things given', () => {
    expect(buildInvocationKey(structuredClone(invocation))).toBe(buildInvocationKey(invocation));
    expect(buildInvocationKey({ ...invocation, installHint: 'ask somebody' })).toBe(
      buildInvocationKey(invocation),
    );
  });

  it.each<[string, PluginInvocation]>([
    ['provider', { ...invocation, provider: 'other' }],
    ['command', { ...invocation, command: './plugin' }],
    ['args', { ...invocation, args: ['ab'] }],
    ['order of args', { ...invocation, args: ['b', 'a'] }],
    ['value of env', { ...invocation, env: [{ name: 'A', value: '2' }] }],
    ['name of env', { ...invocation, env: [{ name: 'B', value: '1' }] }],
    ['API version', { ...invocation, apiVersion: 'client.authentication.k8s.io/v1beta1' }],
    ['server', { ...invocation, cluster: { ...invocation.cluster, server: 'https://other.test' } }],
    ['config', { ...invocation, cluster: { server: 'https://example.test', config: { name: 'other' } } }],
    ['whether cluster information is provided', withoutCluster],
    ['profile', { ...invocation, owner: 'uid-2' }],
  ])('[EX-20] differs with the %s', (_what, other) => {
    expect(buildInvocationKey(other)).not.toBe(buildInvocationKey(invocation));
  });

  it('does not throw for a config that is deeper than the stack', () => {
    let config: unknown = {};
    for (let level = 0; level < 200_000; level += 1) config = [config];
    const deep = { ...invocation, cluster: { server: 'https://example.test', config } };
    expect(buildInvocationKey(deep)).not.toBe(buildInvocationKey(invocation));
  });
});
