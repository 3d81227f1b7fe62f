import { describe, expect, it } from 'vitest';
import { CodedError } from '../foundation/errors.ts';
import { parseProviderFile } from './providerFile.ts';

const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: '/plugins/p' };
const good = { name: 'good', execConfig: exec };

function parse(...providers: unknown[]) {
  return parseProviderFile(JSON.stringify({ providers }));
}

describe('provider file', () => {
  it('[AC-01] reads the upstream format, as JSON and as YAML, with unknown keys and nulls', () => {
    const json = parseProviderFile(
      '{"kind":"x","providers":[{"name":"a","tlsClientConfig":{},"execConfig":{"apiVersion":"client.authentication.k8s.io/v1beta1","command":"c","args":null,"env":null,"provideClusterInfo":true,"interactiveMode":"IfAvailable","installHint":"get it"},"profileSourcedCLIArgsPolicy":"Append","profileSourcedEnvVarsPolicy":"Replace"}]}',
    );
    const yaml = parseProviderFile(`
providers:
- name: a
  profileSourcedCLIArgsPolicy: Append
  profileSourcedEnvVarsPolicy: Replace
  execConfig:
    apiVersion: client.authentication.k8s.io/v1beta1
    command: c
    provideClusterInfo: true
    installHint: get it
`);
    expect(json.providers).toEqual([
      {
        name: 'a',
        apiVersion: 'client.authentication.k8s.io/v1beta1',
        command: 'c',
        args: [],
        env: [],
        provideClusterInfo: true,
        installHint: 'get it',
        argsPolicy: 'Append',
        envsPolicy: 'Replace',
      },
    ]);
    expect(yaml).toEqual(json);
  });

  it.each([
    ['an entry without a name', { execConfig: exec }, 'name: missing'],
    ['no execConfig', { name: 'x' }, 'execConfig: missing'],
    ['another source than exec', { name: 'x', credentialSource: 'oidc' }, 'execConfig: missing'],
    ['no command', { name: 'x', execConfig: { apiVersion: exec.apiVersion } }, 'execConfig.command: missing'],
    ['a name used before', { ...good }, 'name: used before in this file'],
    [
      'an old API version',
      { name: 'x', execConfig: { ...exec, apiVersion: 'client.authentication.k8s.io/v1alpha1' } },
      'execConfig.apiVersion',
    ],
    [
      'interactiveMode Always',
      { name: 'x', execConfig: { ...exec, interactiveMode: 'Always' } },
      'execConfig.interactiveMode',
    ],
    [
      'an unknown args policy',
      { name: 'x', execConfig: exec, profileSourcedCLIArgsPolicy: 'Prepend' },
      'profileSourcedCLIArgsPolicy',
    ],
    [
      'an unknown envs policy',
      { name: 'x', execConfig: exec, profileSourcedEnvVarsPolicy: 'Merge' },
      'profileSourcedEnvVarsPolicy',
    ],
  ])('[AC-02] %s disables that provider alone and says which field', (_case, entry, fault) => {
    const file = parse(good, entry);
    expect(file.providers.map(({ name }) => name)).toEqual(['good']);
    expect(file.disabled).toHaveLength(1);
    expect(file.disabled[0]?.fault).toContain(fault);
  });

  it('[EX-05, EX-07] refuses other API versions and Always when the file is read', () => {
    const file = parse(
      good,
      { name: 'old', execConfig: { ...exec, apiVersion: 'v1' } },
      { name: 'asks', execConfig: { ...exec, interactiveMode: 'Always' } },
      { name: 'maybe', execConfig: { ...exec, interactiveMode: 'IfAvailable' } },
    );
    expect(file.providers.map(({ name }) => name)).toEqual(['good', 'maybe']);
    expect(file.disabled.map(({ name }) => name)).toEqual(['old', 'asks']);
  });

  it.each([
    ['not JSON or YAML', '{"providers": [', /neither JSON nor YAML: line 1/],
    ['no list', '{"items":[]}', /no list "providers"/],
    ['empty', '', /no list "providers"/],
    ['no usable provider', '{"providers":[{"name":"x"}]}', /no usable provider \("x": execConfig: missing\)/],
    [
      'a bomb of aliases',
      `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nproviders: [*b,*b,*b,*b,*b]`,
      /aliases/,
    ],
  ])('[AC-02] a file that is %s cannot be used, and says why', (_case, text, message) => {
    expect(() => parseProviderFile(text)).toThrow(message);
    try {
      parseProviderFile(text);
    } catch (thrown) {
      expect(thrown instanceof CodedError && thrown.code).toBe('provider-file-invalid');
    }
  });
});
