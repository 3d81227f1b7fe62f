import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CodedError } from '../foundation/errors.ts';
import { buildHelpText } from './helpText.ts';
import { environmentName, optionDefinitions } from './optionDefinitions.ts';
import { type AuthMode, parseOptions, type Options } from './options.ts';
import { readOptionTexts } from './readOptionTexts.ts';

function read(
  argv: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  defaultAuth: AuthMode = 'none',
): Options {
  const line = readOptionTexts(['--cluster-inventory-provider-file', 'p.json', ...argv], environment);
  if (line.kind !== 'options') throw new Error('no options');
  return parseOptions(line.texts, defaultAuth);
}

function faultOf(argv: readonly string[], environment: Readonly<Record<string, string>> = {}): string {
  try {
    read(argv, environment);
  } catch (thrown) {
    if (thrown instanceof CodedError && thrown.code === 'options-invalid') return thrown.message;
    throw thrown;
  }
  throw new Error('accepted');
}

describe('options', () => {
  it('[OP-14] a flag wins over the environment, the environment over the default', () => {
    const environment = { CLUSTER_INVENTORY_LOG_LEVEL: 'warn' };
    expect(read([]).logLevel).toBe('info');
    expect(read([], environment).logLevel).toBe('warn');
    expect(read(['--log-level=error'], environment).logLevel).toBe('error');
    expect(read(['--log-level', 'debug']).logLevel).toBe('debug');
  });

  it('[OP-14] --help says each option, its environment name and its default', () => {
    const help = buildHelpText();
    for (const option of optionDefinitions) {
      expect(help).toContain(`--${option.name} ${option.value}`);
      expect(help).toContain(environmentName(option.name));
      if (option.default !== '')
        expect(help).toContain(`${environmentName(option.name)}, default ${option.default}\n`);
    }
  });

  it('[OP-14] the access policy comes from a flag or the environment; without one the defaults hold', () => {
    expect(read([]).accessPolicy).toBe('');
    expect(read(['--access-policy=p.yaml']).accessPolicy).toBe('p.yaml');
    expect(read([], { CLUSTER_INVENTORY_ACCESS_POLICY: 'e.yaml' }).accessPolicy).toBe('e.yaml');
  });

  it('[ID-30, OP-12] the audit says writes unless all is asked for, to stderr unless a file is', () => {
    expect(read([])).toMatchObject({ audit: 'writes', auditLog: '' });
    expect(read(['--audit=all', '--audit-log', '/a'])).toMatchObject({ audit: 'all', auditLog: '/a' });
    expect(faultOf(['--audit=none'])).toBe('--audit: "none" is not one of writes, all');
  });

  it('[PX-25, PX-27, PX-28] limits of traffic have defaults, which docs/limits.md tells', () => {
    expect(read([])).toMatchObject({
      trafficLimits: {
        maxStreams: 10_000,
        maxStreamsPerCluster: 4_000,
        maxStreamsPerUser: 2_000,
        maxRequestsPerCluster: 1_000,
      },
      requestHeaderLimits: { maxBytes: 64 * 1024, timeoutMs: 20_000 },
      connectTimeoutMs: 10_000,
      responseHeaderTimeoutMs: 60_000,
    });
    const page = readFileSync(join(import.meta.dirname, '../../../docs/limits.md'), 'utf8');
    const told = [...page.matchAll(/\| `--([a-z-]+)` +\| (\w+)/g)].map(([, name, value]) => [name, value]);
    const limits = optionDefinitions.filter(({ name }) =>
      /^(max-|plugin-)|-timeout$|^stream-grace$/.test(name),
    );
    for (const { name, default: value } of limits) expect(told).toContainEqual([name, value]);
    for (const [name] of told) expect(limits.map((each) => each.name)).toContain(name);
  });

  it.each([
    'max-streams=0',
    'max-streams-per-cluster=-1',
    'max-streams-per-user=1.5',
    'max-requests-per-cluster=many',
    'max-request-header-bytes=8191',
    'max-request-header-bytes=1048577',
    'max-request-header-bytes=64KiB',
    'request-header-timeout=0s',
    'connect-timeout=61m',
    'response-header-timeout=1000h',
    'response-header-timeout=10',
  ])('[OP-14] --%s stops the process', (flag) => {
    expect(faultOf([`--${flag}`])).toMatch(new RegExp(`^--${flag.split('=', 1)[0] ?? ''}: `));
  });

  it('[OP-14] a timeout is a whole number of milliseconds, up to an hour', () => {
    expect(read(['--connect-timeout=1h']).connectTimeoutMs).toBe(3_600_000);
    expect(read(['--request-header-timeout=0.2ms']).requestHeaderLimits.timeoutMs).toBe(1);
    expect(
      read([], { CLUSTER_INVENTORY_MAX_REQUEST_HEADER_BYTES: '1048576' }).requestHeaderLimits.maxBytes,
    ).toBe(1024 * 1024);
  });

  it('[OP-14] --check-config is a switch among options', () => {
    expect(readOptionTexts(['--listen', 'x', '--check-config', '--auth', 'none'], {})).toMatchObject({
      kind: 'check-config',
      texts: { listen: { text: 'x' }, auth: { text: 'none' } },
    });
    expect(buildHelpText()).toContain('--check-config');
  });

  it('[OP-14] an unknown option is refused, with the nearest known one as a hint', () => {
    expect(faultOf(['--listn', 'x'])).toBe('unknown option --listn; did you mean --listen?');
    expect(faultOf(['--cluster-inventory-name-spaces', 'x'])).toMatch(
      /; did you mean --cluster-inventory-namespaces\?$/,
    );
    expect(faultOf(['--inventory-namespaces', 'x'])).toMatch(/; --help lists the options$/);
    expect(faultOf(['--nope', 'x'])).toBe('unknown option --nope; --help lists the options');
    expect(faultOf(['--frobnicate', 'x'])).toBe('unknown option --frobnicate; --help lists the options');
    expect(faultOf(['stray'])).toContain('unknown option stray');
    expect(faultOf(['--listen'])).toBe('--listen needs a value');
  });

  it('names the environment variable when that is where a bad value came from', () => {
    expect(faultOf([], { CLUSTER_INVENTORY_LISTEN: 'nonsense' })).toMatch(/^CLUSTER_INVENTORY_LISTEN: /);
  });

  it('[DI-06] namespaces: a list, * alone, or the default of each root', () => {
    expect(read([]).namespaces).toBe('default');
    expect(read(['--cluster-inventory-namespaces=*']).namespaces).toBe('all');
    expect(read(['--cluster-inventory-namespaces=a, b,a']).namespaces).toEqual(['a', 'b']);
    for (const bad of ['a,,b', '*,a', 'A', '-a', 'a_b', 'a,', 'x'.repeat(64)]) {
      expect(faultOf([`--cluster-inventory-namespaces=${bad}`])).toMatch(/^--cluster-inventory-namespaces: /);
    }
  });

  it('[DI-07] a label selector that the API server would refuse stops the process', () => {
    const good = [
      '',
      '!headlamp.dev/ignore',
      'a=b',
      'a==b,c!=d',
      'env in (prod, dev),!x',
      'x notin (a)',
      'tier',
      'n>3',
      'a=',
    ];
    for (const selector of good)
      expect(read([`--cluster-inventory-label-selector=${selector}`]).labelSelector).toBe(selector);
    for (const bad of [
      'a=b=c',
      'a b',
      'a in b',
      '-x',
      'a=,,b',
      'a/b/c',
      '!',
      'a=$',
      'UPPER.Prefix!/x',
      'a in (b',
    ])
      expect(faultOf([`--cluster-inventory-label-selector=${bad}`])).toMatch(
        /^--cluster-inventory-label-selector: /,
      );
  });

  it('reads durations in Go’s notation', () => {
    expect(read(['--cluster-inventory-no-crd-cache-ttl=1m30s']).noCrdCacheTtlMs).toBe(90_000);
    expect(read(['--plugin-timeout=500ms']).pluginTimeoutMs).toBe(500);
    for (const bad of ['5', '0s', '-1s', 'm', '1d'])
      expect(faultOf([`--plugin-timeout=${bad}`])).toMatch(/^--plugin-timeout: /);
  });

  it('[ID-03] without sign-in only loopback addresses are listened on', () => {
    for (const good of ['127.0.0.1:0', 'localhost:4466', '[::1]:4466', '127.9.9.9:1'])
      expect(read([`--listen=${good}`]).listen.host).not.toBe('');
    for (const bad of [
      ':4466',
      '0.0.0.0:4466',
      '[::]:4466',
      '10.0.0.1:4466',
      'localhost.evil.example:4466',
      '127.evil.example:1',
      '127.0.0.1:70000',
    ]) {
      expect(faultOf([`--listen=${bad}`])).toMatch(/^--listen: /);
      expect(faultOf([`--admin-listen=${bad}`])).toMatch(/^--admin-listen: /);
    }
    expect(faultOf(['--auth=maybe'])).toMatch(/^--auth: /);
  });

  it('[ID-01] where users are known any address is listened on; in a pod they are without a word', () => {
    expect(read(['--auth=hub', '--listen=0.0.0.0:4466']).listen.host).toBe('0.0.0.0');
    expect(read(['--listen=:4466'], {}, 'hub')).toMatchObject({ auth: 'hub', listen: { port: 4466 } });
    expect(faultOf(['--auth=none', '--listen=0.0.0.0:4466'])).toMatch(/^--listen: /);
  });

  it('[ID-09] own origins are whole origins', () => {
    expect(read(['--allowed-origins=https://A.example,http://b.example:8080']).allowedOrigins).toEqual([
      'https://a.example',
      'http://b.example:8080',
    ]);
    for (const bad of ['a.example', 'https://a.example/', 'https://a.example/x', 'file:///x', '*', 'null'])
      expect(faultOf([`--allowed-origins=${bad}`])).toMatch(/^--allowed-origins: /);
  });

  it('[ID-01, OP-25] the header of a proxy’s tokens is Headlamp’s, or another that means nothing else', () => {
    expect(read([]).proxyAuth.tokenHeader).toBe('x-forwarded-id-token');
    expect(
      read([], { CLUSTER_INVENTORY_PROXY_AUTH_TOKEN_HEADER: 'X-Auth-Request-Token' }).proxyAuth.tokenHeader,
    ).toBe('x-auth-request-token');
    for (const bad of [
      '',
      'X Token',
      'X_Token',
      'X-Token:',
      '-x',
      'Authorization',
      'Cookie',
      'Sec-Fetch-Site',
    ])
      expect(faultOf([`--proxy-auth-token-header=${bad}`])).toMatch(/^--proxy-auth-token-header: /);
  });

  it('[ID-02] the word of a proxy in front counts only with its address and its secret', () => {
    const mode = '--auth=trusted-headers';
    const proxies = '--trusted-proxies=10.0.0.1';
    const secret = '--proxy-auth-secret-file=/secret';
    expect(read([mode, proxies, secret, '--listen=0.0.0.0:4466'])).toMatchObject({
      auth: 'trusted-headers',
      proxyAuth: {
        usernameHeader: 'x-forwarded-user',
        groupHeader: 'x-forwarded-group',
        secretHeader: 'x-proxy-secret',
        secretFile: '/secret',
        headers: ['x-forwarded-id-token', 'x-forwarded-user', 'x-forwarded-group', 'x-proxy-secret'],
      },
    });
    expect(faultOf([mode, secret])).toBe('--trusted-proxies: is required with --auth=trusted-headers');
    expect(faultOf([mode, proxies])).toBe(
      '--proxy-auth-secret-file: is required with --auth=trusted-headers',
    );
    expect(faultOf([mode, proxies, '--proxy-auth-secret-file='])).toMatch(/^--proxy-auth-secret-file: /);
  });

  it('[ID-02] no two of a proxy’s headers are one', () => {
    expect(faultOf(['--proxy-auth-username-header=x-forwarded-group'])).toMatch(
      /^--proxy-auth-group-header: /,
    );
    expect(faultOf(['--proxy-auth-username-header=x', '--proxy-auth-secret-header=X'])).toMatch(
      /^--proxy-auth-secret-header: /,
    );
    expect(faultOf(['--proxy-auth-username-header=X-Forwarded-For'])).toMatch(
      /^--proxy-auth-username-header: /,
    );
  });

  it('requires the provider file and a dashboard without a path', () => {
    const line = readOptionTexts([], {});
    if (line.kind !== 'options') throw new Error('no options');
    expect(() => parseOptions(line.texts, 'none')).toThrow('--cluster-inventory-provider-file: is required');
    expect(faultOf(['--dashboard-url=http://127.0.0.1:1/x'])).toContain('--base-url');
    expect(faultOf(['--dashboard-url=ftp://127.0.0.1'])).toContain('--dashboard-url');
  });

  it('takes a base path with or without a slash at its end', () => {
    expect(read(['--base-url=/headlamp/']).baseUrl).toBe('/headlamp');
    expect(read(['--base-url=/']).baseUrl).toBe('');
    for (const bad of ['headlamp', '/a/../b', '/a//b', '/a?b', '/%2e'])
      expect(faultOf([`--base-url=${bad}`])).toMatch(/^--base-url: /);
  });
});
