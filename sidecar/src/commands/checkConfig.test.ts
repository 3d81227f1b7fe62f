import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readOptionTexts } from '../config/readOptionTexts.ts';
import { checkConfig } from './checkConfig.ts';

const providers = `providers:
- name: p
  execConfig: {apiVersion: client.authentication.k8s.io/v1, command: p}
- name: q
  execConfig: {apiVersion: client.authentication.k8s.io/v1, command: q}
`;
const head = 'apiVersion: cluster-inventory.headlamp.dev/v1alpha1\nkind: AccessPolicy\n';
const files = {
  'providers.yaml': providers,
  'half.yaml': `${providers}- name: broken\n`,
  'none.yaml': 'providers: []\n',
  'all.yaml': `${head}defaults: {allowedServers: ['*']}\n`,
  'some.yaml': `${head}rules: [{match: {provider: p}, allowedServers: ['*.example.com']}]\n`,
  'users.yaml': `${head}defaults: {allowedServers: ['*']}\nrules: [{match: {provider: p}, mode: impersonate}]\n`,
  'tokens.yaml': `${head}defaults: {allowedServers: ['*']}\nrules: [{match: {provider: p}, mode: passthrough, allowedServers: ['*']}]\n`,
  secret: 'a-secret-of-the-proxy',
  'bad.yaml': `${head}defaults: {mode: foo}\nrules: [{match: {provider: p}, readonly: true}]\n`,
};

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'check-config-'));
  await Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(folder, name), text)));
});
afterAll(() => rm(folder, { recursive: true }));

const argumentsOf = (providerFile: string, policy = '', ...more: string[]): string[] => [
  '--check-config',
  `--cluster-inventory-provider-file=${providerFile === '' ? '' : join(folder, providerFile)}`,
  ...(policy === '' ? [] : [`--access-policy=${join(folder, policy)}`]),
  ...more,
];

async function check(...argv: string[]): Promise<{ code: number; lines: string[] }> {
  const line = readOptionTexts(argv, {});
  if (line.kind !== 'check-config') throw new Error('not to be checked');
  const lines: string[] = [];
  const code = await checkConfig(line.texts, {
    environment: {},
    write: (text) => lines.push(text.trimEnd()),
  });
  return { code, lines: lines.map((each) => each.replaceAll(`${folder}/`, '')) };
}

describe('--check-config', () => {
  it('[OP-14] says that all is valid', async () => {
    expect(await check(...argumentsOf('providers.yaml', 'all.yaml'))).toEqual({
      code: 0,
      lines: ['the configuration is valid'],
    });
  });

  it('[ID-02, OP-14] says that users whom a proxy names have no token of their own', async () => {
    const modes = ['--auth=trusted-headers', '--trusted-proxies=10.0.0.1'];
    const secret = `--proxy-auth-secret-file=${join(folder, 'secret')}`;
    expect((await check(...argumentsOf('providers.yaml', 'tokens.yaml', ...modes, secret))).lines).toEqual([
      expect.stringContaining('with --auth=trusted-headers nobody has one'),
      'the configuration is valid',
    ]);
    expect((await check(...argumentsOf('providers.yaml', 'users.yaml', ...modes, secret))).lines).toEqual([
      'the configuration is valid',
    ]);
  });

  it('[OP-14] prints every problem of options, provider file and policy, and ends with 2', async () => {
    const { code, lines } = await check(...argumentsOf('none.yaml', 'bad.yaml', '--listen=x'));
    expect(code).toBe(2);
    expect(lines).toEqual([
      'problem: --listen: "x" is not HOST:PORT',
      'problem: the provider file none.yaml has no usable provider',
      'problem: the access policy bad.yaml: defaults.mode: "foo" is not one of impersonate, shared, passthrough',
      expect.stringContaining('problem: the access policy bad.yaml: rules[0].readonly: is not known here'),
      '4 to mend',
    ]);
  });

  it.each([
    [argumentsOf('', ''), '--cluster-inventory-provider-file: is required'],
    [['--check-config', '--cluster-inventory-provider-file=/none'], 'the provider file /none does not exist'],
    [['--check-config', '--access-policy=/none'], 'the access policy /none does not exist'],
  ])('[OP-14] %j', async (argv, problem) => {
    const { code, lines } = await check(...argv);
    expect(code).toBe(2);
    expect(lines).toContain(`problem: ${problem}`);
  });

  it('[AC-26] warns of a provider without allowedServers, and of one that is disabled', async () => {
    expect(await check(...argumentsOf('half.yaml', 'some.yaml'))).toEqual({
      code: 0,
      lines: [
        'warning: the provider "broken" is disabled: execConfig: missing',
        'warning: the access policy names no allowedServers for the provider "q": whoever may write a ClusterProfile decides where its credentials are sent',
        'the configuration is valid',
      ],
    });
    expect((await check(...argumentsOf('providers.yaml'))).lines).toHaveLength(3);
  });

  it('warns where users have to be known and are not', async () => {
    const warning = expect.stringContaining(
      'warning: the access policy lets users go as themselves',
    ) as string;
    const { code, lines } = await check(...argumentsOf('providers.yaml', 'users.yaml', '--auth=none'));
    expect([code, lines[0]]).toEqual([0, warning]);
    const { lines: known } = await check(...argumentsOf('providers.yaml', 'users.yaml', '--auth=hub'));
    expect(known).toEqual(['the configuration is valid']);
  });

  it.each(['*', 'a,b'])('[AC-26] says what follows where the namespaces are %s', async (namespaces) => {
    const several = `--cluster-inventory-namespaces=${namespaces}`;
    const { lines } = await check(...argumentsOf('providers.yaml', 'some.yaml', several));
    expect(lines[0]).toContain('"q": several namespaces are watched, so that its clusters are refused');
    const { lines: one } = await check(
      ...argumentsOf('providers.yaml', 'some.yaml', '--cluster-inventory-namespaces=a'),
    );
    expect(one[0]).toContain('whoever may write');
  });
});

describe('the process', () => {
  const run = (argv: string[]) =>
    spawnSync(process.execPath, [new URL('../main.ts', import.meta.url).pathname, ...argv], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], HOME: folder },
    });

  it('[OP-14] --check-config ends with 0 or 2 and serves nothing', () => {
    const good = run(argumentsOf('providers.yaml', 'all.yaml'));
    expect([good.status, good.stdout]).toEqual([0, 'the configuration is valid\n']);
    expect(run(argumentsOf('providers.yaml', 'bad.yaml')).status).toBe(2);
  });

  it('[OP-13] does not start with a policy that is not valid: 2, and the place', () => {
    const [, ...argv] = argumentsOf('providers.yaml', 'bad.yaml');
    const { status, stderr } = run(argv);
    expect(status).toBe(2);
    expect(stderr).toContain('defaults.mode: "foo" is not one of');
  });
});
