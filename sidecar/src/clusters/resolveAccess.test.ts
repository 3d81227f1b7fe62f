import { describe, expect, it } from 'vitest';
import { parseAccessPolicyFile } from '../config/accessPolicyFile.ts';
import { parseProviderFile, type ProviderFile } from '../config/providerFile.ts';
import { decodeClusterProfile } from '../inventory/clusterProfile.ts';
import { type AccessPolicy, type AccessRules, desktopAccessPolicy, podAccessPolicy } from './accessPolicy.ts';
import { decodeCertificates } from './certificates.ts';
import { type Access, resolveAccess } from './resolveAccess.ts';

const pem = '-----BEGIN CERTIFICATE-----\r\nTUlJQg==\r\n-----END CERTIFICATE-----\n';
const base64 = (text: string): string => Buffer.from(text).toString('base64');

function providerFile(...entries: Record<string, unknown>[]) {
  return parseProviderFile(
    JSON.stringify({
      providers: entries.map(({ name, policies, ...exec }) => ({
        name,
        ...(policies as object | undefined),
        execConfig: {
          apiVersion: 'client.authentication.k8s.io/v1',
          command: `/plugins/${String(name)}`,
          provideClusterInfo: true,
          ...exec,
        },
      })),
    }),
  );
}

function profile(status: unknown, metadata: object = {}) {
  const decoded = decodeClusterProfile({
    apiVersion: 'multicluster.x-k8s.io/v1alpha1',
    kind: 'ClusterProfile',
    metadata: { name: 'a', namespace: 'fleet', uid: 'uid-a', ...metadata },
    spec: { clusterManager: { name: 'm' } },
    status,
  });
  if (!decoded) throw new Error('not decoded');
  return decoded;
}

function resolve(published: ReturnType<typeof profile>, file: ProviderFile, policy: AccessPolicy): Access {
  return resolveAccess({ root: 'store/hub', profile: published }, file, policy);
}

/** A policy whose built-in rules are wider. */
function widened(rules: Partial<AccessRules>): AccessPolicy {
  return { ...podAccessPolicy, builtIn: { ...podAccessPolicy.builtIn, ...rules } };
}

const withProviders = (...accessProviders: unknown[]) => profile({ accessProviders });

function resolveCluster(cluster: unknown, policy = podAccessPolicy): Access {
  return resolve(withProviders({ name: 'p', cluster }), providerFile({ name: 'p' }), policy);
}

function first(access: Access) {
  if (access.kind !== 'reachable') throw access.error;
  const [candidate] = access.candidates;
  if (!candidate) throw new Error('no candidate');
  return candidate;
}

function codeOf(access: Access): string {
  return access.kind === 'unreachable' ? access.error.code : 'reachable';
}

const server = 'https://api.example.com:6443';

describe('choosing a provider', () => {
  const both = withProviders({ name: 'second', cluster: { server } }, { name: 'first', cluster: { server } });

  it('[AC-10] the file’s order decides, and case matters', () => {
    expect(
      first(resolve(both, providerFile({ name: 'first' }, { name: 'second' }), podAccessPolicy)).provider,
    ).toBe('first');
    expect(
      first(resolve(both, providerFile({ name: 'second' }, { name: 'first' }), podAccessPolicy)).provider,
    ).toBe('second');
    expect(codeOf(resolve(both, providerFile({ name: 'First' }), podAccessPolicy))).toBe(
      'no-matching-provider',
    );
  });

  it('[AC-11] credentialProviders is read too; accessProviders wins on a name in both', () => {
    const legacy = profile({
      credentialProviders: [
        { name: 'p', cluster: { server: 'https://old.example.com' } },
        { name: 'only-old', cluster: { server } },
      ],
      accessProviders: [{ name: 'p', cluster: { server: 'https://new.example.com' } }],
    });
    expect(first(resolve(legacy, providerFile({ name: 'p' }), podAccessPolicy)).connection.hostname).toBe(
      'new.example.com',
    );
    expect(first(resolve(legacy, providerFile({ name: 'only-old' }), podAccessPolicy)).provider).toBe(
      'only-old',
    );
  });

  it('[AC-12] no provider, and none that the file knows, are reasons of their own', () => {
    expect(codeOf(resolve(profile(undefined), providerFile({ name: 'p' }), podAccessPolicy))).toBe(
      'no-access-provider',
    );
    expect(
      codeOf(resolve(profile({ accessProviders: null }), providerFile({ name: 'p' }), podAccessPolicy)),
    ).toBe('no-access-provider');
    expect(codeOf(resolve(both, providerFile({ name: 'x' }), podAccessPolicy))).toBe('no-matching-provider');
  });

  it('[OP-12] a plugin is run for a profile by its UID, with its key for people', () => {
    const { owner, ownerName } = first(resolveCluster({ server })).invocation;
    expect([owner, ownerName]).toEqual(['uid-a', 'store/hub/fleet/a']);
  });

  it('[AC-02] a disabled provider is named on each cluster that uses it', () => {
    const file = parseProviderFile(
      JSON.stringify({
        providers: [
          { name: 'first' },
          { name: 'ok', execConfig: { apiVersion: 'client.authentication.k8s.io/v1', command: 'c' } },
        ],
      }),
    );
    const access = resolve(both, file, podAccessPolicy);
    expect(codeOf(access)).toBe('provider-disabled');
    expect(access.kind === 'unreachable' && access.error.message).toContain('execConfig: missing');
    expect(access.kind === 'unreachable' && access.provider).toBe('first');
  });

  it('the first match decides: its fault is not hidden by the next provider', () => {
    const access = resolve(
      withProviders({ name: 'p', cluster: { server: '' } }, { name: 'q', cluster: { server } }),
      providerFile({ name: 'p' }, { name: 'q' }),
      podAccessPolicy,
    );
    expect(codeOf(access)).toBe('server-invalid');
  });

  it('[AC-27] properties, labels and annotations lead to nothing', () => {
    const decoy = profile(
      {
        properties: [
          { name: 'auth.exec.command', value: '/bin/sh' },
          { name: 'server', value: server },
        ],
      },
      { annotations: { server }, labels: { server: 'x' } },
    );
    expect(codeOf(resolve(decoy, providerFile({ name: 'p' }), podAccessPolicy))).toBe('no-access-provider');
  });
});

describe('the cluster’s fields', () => {
  it('[AC-20] base path, query, port, IPv6 and the TLS fields are kept', () => {
    expect(
      first(
        resolveCluster({
          server: 'https://proxy.example.com:9092/edge-01/?agentName=a&x=%2F',
          'certificate-authority-data': base64(pem),
          'tls-server-name': 'kubernetes.default.svc',
          'disable-compression': true,
        }),
      ).connection,
    ).toMatchObject({
      hostname: 'proxy.example.com',
      port: 9092,
      hostHeader: 'proxy.example.com:9092',
      basePath: '/edge-01',
      query: 'agentName=a&x=%2F',
      tls: { serverName: 'kubernetes.default.svc', insecureSkipVerify: false },
      disableCompression: true,
    });
    expect(first(resolveCluster({ server: 'https://[fd00::1]:6443' })).connection).toMatchObject({
      hostname: 'fd00::1',
      hostHeader: '[fd00::1]:6443',
      port: 6443,
      basePath: '',
      query: '',
    });
    expect(first(resolveCluster({ server: 'https://api.example.com' })).connection.port).toBe(443);
  });

  it('[AC-22] every certificate of a bundle is taken, CRLF or not', () => {
    const bundle = base64(`text\n${pem}${pem}`);
    const { caData } = first(resolveCluster({ server, 'certificate-authority-data': bundle })).connection.tls;
    const plain = pem.replaceAll('\r', '').trim();
    expect(decodeCertificates(caData ?? '')).toEqual([plain, plain]);
    expect(first(resolveCluster({ server })).connection.tls.caData).toBeUndefined();
    expect(codeOf(resolveCluster({ server, 'certificate-authority-data': base64(base64(pem)) }))).toBe(
      'ca-invalid',
    );
    expect(codeOf(resolveCluster({ server, 'certificate-authority-data': '!!' }))).toBe('ca-invalid');
    expect(codeOf(resolveCluster({ server, 'certificate-authority-data': 7 }))).toBe('ca-invalid');
  });

  it('[AC-21] a certificate authority path is refused', () => {
    expect(codeOf(resolveCluster({ server, 'certificate-authority': '/etc/passwd' }))).toBe(
      'ca-path-refused',
    );
  });

  it.each([
    [undefined, 'server-invalid'],
    ['', 'server-invalid'],
    ['not a url', 'server-invalid'],
    ['api.example.com:6443', 'server-invalid'],
    ['https://', 'server-invalid'],
    ['https://user:pw@api.example.com', 'server-invalid'],
    ['https://api.example.com/#x', 'server-invalid'],
    ['https://api.example.com\\@evil.example', 'server-invalid'],
    ['https://api.example.com/a b', 'server-invalid'],
    ['ftp://api.example.com', 'server-invalid'],
    ['http://api.example.com', 'server-not-https'],
    [{}, 'server-invalid'],
  ])('[AC-23] server %j is a reason, not a crash', (value, code) => {
    expect(codeOf(resolveCluster({ server: value }))).toBe(code);
  });

  it('[AC-23, AC-24, TH-22] what weakens a connection is refused without the policy’s word', () => {
    expect(
      codeOf(
        resolveCluster({
          server,
          'insecure-skip-tls-verify': true,
          'certificate-authority-data': base64(pem),
        }),
      ),
    ).toBe('ca-with-insecure');
    expect(codeOf(resolveCluster({ server, 'insecure-skip-tls-verify': true }))).toBe('insecure-refused');
    expect(codeOf(resolveCluster({ server, 'proxy-url': 'http://proxy.example.com' }))).toBe(
      'proxy-url-refused',
    );
    expect(codeOf(resolveCluster({ server, 'proxy-url': 'ftp://x' }))).toBe('proxy-url-invalid');
    const open = widened({ allowInsecure: true });
    expect(
      first(resolveCluster({ server, 'insecure-skip-tls-verify': true }, open)).connection.tls
        .insecureSkipVerify,
    ).toBe(true);
  });

  const trustingProxies = widened({ allowProxyUrl: true });

  it('[AC-24, TH-22] a proxy is refused that the policy does not name, where it names some', () => {
    const naming = widened({ allowProxyUrl: ['egress.example.com:3128', '[2001:db8::/32]:*'] });
    const codeFor = (proxyUrl: string): string =>
      codeOf(resolveCluster({ server, 'proxy-url': proxyUrl }, naming));
    expect(codeFor('http://user:pw@Egress.example.com:3128')).toBe('reachable');
    expect(codeFor('socks5://[2001:db8::1]')).toBe('reachable');
    for (const other of ['http://egress.example.com', 'socks5://evil.example:3128', 'https://[2001:db9::1]'])
      expect(codeFor(other)).toBe('proxy-url-refused');
    expect(codeOf(resolveCluster({ server, 'proxy-url': 'http://a' }, widened({ allowProxyUrl: [] })))).toBe(
      'proxy-url-refused',
    );
  });

  it.each([
    ['http://proxy.example.com', { protocol: 'http:', hostname: 'proxy.example.com', port: 80 }],
    ['https://Proxy.Example.com/', { protocol: 'https:', hostname: 'proxy.example.com', port: 443 }],
    ['socks5://Proxy.example.com', { protocol: 'socks5:', hostname: 'proxy.example.com', port: 1080 }],
    ['socks5://[2001:db8::1]:80', { protocol: 'socks5:', hostname: '2001:db8::1', port: 80 }],
    ['http://[2001:DB8::1]:3128', { protocol: 'http:', hostname: '2001:db8::1', port: 3128 }],
    [
      'socks5://us%20er:p%3As%40s@proxy.example.com:1080',
      {
        protocol: 'socks5:',
        hostname: 'proxy.example.com',
        port: 1080,
        credentials: { username: 'us er', password: 'p:s@s' },
      },
    ],
    [
      'http://:token@proxy.example.com:3128',
      {
        protocol: 'http:',
        hostname: 'proxy.example.com',
        port: 3128,
        credentials: { username: '', password: 'token' },
      },
    ],
  ])('[AC-20, AC-24] the proxy %s is read as client-go reads it', (proxyUrl, proxy) => {
    const access = resolveCluster({ server, 'proxy-url': proxyUrl }, trustingProxies);
    expect(first(access).connection.proxy).toEqual(proxy);
    expect(codeOf(resolveCluster({ server, 'proxy-url': proxyUrl }))).toBe('proxy-url-refused');
  });

  it.each([
    'proxy.example.com:3128',
    'socks4://proxy.example.com',
    'socks5h://proxy.example.com',
    'socks5://',
    'http://',
    'http://proxy.exa mple.com',
    'http://proxy\t.example.com',
    'http://proxy.example.com\\@evil.example',
    'socks5://pro%20xy.example.com',
    'socks5://:password@proxy.example.com',
    `socks5://${'u'.repeat(256)}@proxy.example.com`,
    `socks5://u:${'%C3%B6'.repeat(128)}@proxy.example.com`,
    'http://%zz@proxy.example.com',
    {},
    7,
  ])('[AC-23, AC-24] the proxy %j is a reason, which does not repeat it', (proxyUrl) => {
    const access = resolveCluster({ server, 'proxy-url': proxyUrl }, trustingProxies);
    expect(codeOf(access)).toBe('proxy-url-invalid');
    expect(access.kind === 'unreachable' && access.error.message).not.toMatch(/example|pass|%/);
  });

  it.each([
    'http://169.254.169.254',
    'socks5://169.254.169.254:1080',
    'socks5://2852039166:1080',
    'socks5://0251.0376.0251.0376:1080',
    'socks5://[::ffff:169.254.169.254]:1080',
    'https://127.0.0.1:3128',
    'socks5://0/',
  ])('[AC-25, TH-21] the proxy %s is refused in every spelling', (proxyUrl) => {
    expect(codeOf(resolveCluster({ server, 'proxy-url': proxyUrl }, trustingProxies))).toBe(
      'proxy-address-refused',
    );
  });

  it.each([
    'https://169.254.169.254',
    'https://2852039166',
    'https://0251.0376.0251.0376',
    'https://[::ffff:169.254.169.254]',
    'https://0/',
  ])('[AC-25, TH-21] %s is refused in every spelling', (hidden) => {
    expect(codeOf(resolveCluster({ server: hidden }, desktopAccessPolicy))).toBe('server-address-refused');
  });

  it('[AC-25] loopback is the desktop’s', () => {
    expect(codeOf(resolveCluster({ server: 'https://127.0.0.1:6443' }, podAccessPolicy))).toBe(
      'server-address-refused',
    );
    expect(codeOf(resolveCluster({ server: 'https://127.0.0.1:6443' }, desktopAccessPolicy))).toBe(
      'reachable',
    );
  });
});

describe('the access policy', () => {
  const bound = (...allowedServers: string[]): AccessPolicy => widened({ allowedServers });
  const withRules = (...rules: object[]): AccessPolicy => ({
    ...podAccessPolicy,
    file: parseAccessPolicyFile(
      JSON.stringify({ apiVersion: 'cluster-inventory.headlamp.dev/v1alpha1', kind: 'AccessPolicy', rules }),
    ),
  });

  it('[AC-26, TH-20, TH-49] a server that is not named is a reason of its own, and no plugin is run', () => {
    expect(codeOf(resolveCluster({ server }, bound('api.example.com:6443')))).toBe('reachable');
    expect(codeOf(resolveCluster({ server }, bound('*')))).toBe('reachable');
    expect(
      codeOf(
        resolveCluster(
          { server: 'http://a.example' },
          widened({ allowedServers: ['a.example:80'], allowHttp: true }),
        ),
      ),
    ).toBe('reachable');
    for (const elsewhere of [
      'https://api.example.com',
      'https://evil.example:6443',
      'https://evil.example:6443/api.example.com:6443',
      'https://api.example.com.evil.example:6443',
      'https://api.example.com.:6443',
      'https://10.0.0.1:6443',
    ]) {
      const access = resolveCluster({ server: elsewhere }, bound('api.example.com:6443'));
      expect(codeOf(access)).toBe('server-not-allowed');
      expect(access).not.toHaveProperty('candidates');
      expect(access.kind === 'unreachable' && access.error.message).not.toContain('example');
    }
    expect(codeOf(resolveCluster({ server }, bound()))).toBe('server-not-allowed');
    expect(codeOf(resolveCluster({ server: 'https://[::ffff:169.254.169.254]' }, bound('*')))).toBe(
      'server-address-refused',
    );
  });

  it('[AC-26] where several namespaces are watched, a provider without named servers is refused', () => {
    const several = { ...podAccessPolicy, requireAllowedServers: true };
    const access = resolveCluster({ server }, several);
    expect(codeOf(access)).toBe('policy-refused');
    expect(access.kind === 'unreachable' && access.error.message).toContain('allowedServers');
    expect(codeOf(resolveCluster({ server }, { ...bound('*'), requireAllowedServers: true }))).toBe(
      'reachable',
    );
  });

  it('[ID-20] each provider of a profile has the rules of its own', () => {
    const policy = withRules(
      {
        match: { provider: 'p', root: 'store/hub', namespace: 'fleet', clusterManager: 'm' },
        mode: 'shared',
      },
      { match: { provider: 'q' }, readOnly: true },
    );
    const access = resolve(
      withProviders({ name: 'p', cluster: { server } }, { name: 'q', cluster: { server } }),
      providerFile({ name: 'p' }, { name: 'q' }),
      policy,
    );
    expect(
      access.kind === 'reachable' &&
        access.candidates.map(({ rules: { mode, readOnly } }) => [mode, readOnly]),
    ).toEqual([
      ['shared', false],
      ['impersonate', true],
    ]);
  });

  it('[AC-26] a refusal of the first provider is not gone around by the next', () => {
    const both = withProviders({ name: 'p', cluster: { server } }, { name: 'q', cluster: { server } });
    const file = providerFile({ name: 'p' }, { name: 'q' });
    const refusedFirst = resolve(both, file, withRules({ match: { provider: 'p' }, refuse: 'maintenance' }));
    expect(refusedFirst).toMatchObject({ kind: 'unreachable', provider: 'p' });
    expect(codeOf(refusedFirst)).toBe('policy-refused');
    expect(refusedFirst.kind === 'unreachable' && refusedFirst.error.message).toBe(
      'The access policy refuses this cluster: maintenance',
    );
    const refusedSecond = resolve(both, file, withRules({ match: { provider: 'q' }, allowedServers: [] }));
    expect(
      refusedSecond.kind === 'reachable' && refusedSecond.candidates.map(({ provider }) => provider),
    ).toEqual(['p']);
  });

  it('[TH-49] labels of the profile narrow', () => {
    const labelled = profile(
      { accessProviders: [{ name: 'p', cluster: { server } }] },
      { labels: { off: 'yes' } },
    );
    const policy = {
      ...podAccessPolicy,
      file: parseAccessPolicyFile(
        JSON.stringify({
          apiVersion: 'cluster-inventory.headlamp.dev/v1alpha1',
          kind: 'AccessPolicy',
          labels: [{ match: { off: '*' }, narrow: { refuse: 'off' } }],
        }),
      ),
    };
    expect(codeOf(resolve(labelled, providerFile({ name: 'p' }), policy))).toBe('policy-refused');
    expect(codeOf(resolveCluster({ server }, policy))).toBe('reachable');
  });
});

describe('extensions', () => {
  const execName = 'client.authentication.k8s.io/exec';
  const argsName = 'clusterprofiles.multicluster.x-k8s.io/exec/additional-args';
  const envsName = 'clusterprofiles.multicluster.x-k8s.io/exec/additional-envs';
  const cluster = (...extensions: [string, unknown][]) => ({
    server,
    extensions: extensions.map(([name, extension]) => ({ name, extension })),
  });
  const invoke = (published: unknown, policies: object, exec: Record<string, unknown> = {}) =>
    first(
      resolve(
        withProviders({ name: 'p', cluster: published }),
        providerFile({ name: 'p', policies, ...exec }),
        podAccessPolicy,
      ),
    ).invocation;

  it('[AC-30] the exec extension is handed on verbatim', () => {
    const config = { clusterName: 'a', nested: [{ b: null }, 1] };
    expect(invoke(cluster([execName, config]), {}).cluster?.config).toEqual(config);
    expect(invoke(cluster([execName, config]), {}, { provideClusterInfo: false }).cluster).toBeUndefined();
  });

  it('[AC-31] additional args are appended under Append alone', () => {
    const published = cluster([argsName, ['--x', '1']]);
    expect(invoke(published, { profileSourcedCLIArgsPolicy: 'Append' }, { args: ['get'] }).args).toEqual([
      'get',
      '--x',
      '1',
    ]);
    expect(invoke(published, { profileSourcedCLIArgsPolicy: 'Ignore' }, { args: ['get'] }).args).toEqual([
      'get',
    ]);
    expect(invoke(published, {}, { args: ['get'] }).args).toEqual(['get']);
  });

  it('[AC-32] additional envs: the file wins, the profile wins, or nothing', () => {
    const published = cluster([envsName, { A: 'profile', B: 'profile' }]);
    const env = [{ name: 'A', value: 'file' }];
    const last = (policies: object) =>
      Object.fromEntries(invoke(published, policies, { env }).env.map(({ name, value }) => [name, value]));
    expect(last({ profileSourcedEnvVarsPolicy: 'AppendIfNotExists' })).toEqual({ A: 'file', B: 'profile' });
    expect(last({ profileSourcedEnvVarsPolicy: 'Replace' })).toEqual({ A: 'profile', B: 'profile' });
    expect(last({ profileSourcedEnvVarsPolicy: 'Ignore' })).toEqual({ A: 'file' });
    expect(last({})).toEqual({ A: 'file' });
  });

  it('[AC-33, TH-23] reserved names are never the profile’s to set', () => {
    const reserved = [
      'LD_PRELOAD',
      'NODE_OPTIONS',
      'PATH',
      'HOME',
      'KUBECONFIG',
      'KUBERNETES_EXEC_INFO',
      'HTTPS_PROXY',
      'https_proxy',
      'no_proxy',
      'ALL_PROXY',
    ];
    const published = cluster([
      envsName,
      Object.fromEntries([...reserved, 'FINE'].map((name) => [name, 'x'])),
    ]);
    for (const policy of ['AppendIfNotExists', 'Replace']) {
      expect(invoke(published, { profileSourcedEnvVarsPolicy: policy }).env.map(({ name }) => name)).toEqual([
        'FINE',
      ]);
    }
  });

  it('[AC-34] one cluster’s args and env never show up in another’s', () => {
    const file = providerFile({
      name: 'p',
      policies: { profileSourcedCLIArgsPolicy: 'Append', profileSourcedEnvVarsPolicy: 'Replace' },
      args: ['get'],
      env: [{ name: 'A', value: 'file' }],
    });
    const build = (id: string) =>
      first(
        resolve(
          withProviders({ name: 'p', cluster: cluster([argsName, [id]], [envsName, { A: id }]) }),
          file,
          podAccessPolicy,
        ),
      ).invocation;
    build('one');
    build('two');
    expect(build('one').args).toEqual(['get', 'one']);
    expect(build('two').args).toEqual(['get', 'two']);
    expect(build('two').env.at(-1)).toEqual({ name: 'A', value: 'two' });
    expect(file.providers[0]?.args).toEqual(['get']);
  });

  it('[AC-35, TH-24] an extension of the wrong type or nested too deeply is a reason', () => {
    let deep: unknown = 'x';
    for (let level = 0; level < 10_000; level++) deep = { deep };
    const policies = { profileSourcedCLIArgsPolicy: 'Append', profileSourcedEnvVarsPolicy: 'Replace' };
    const bad = [
      cluster([argsName, 'text']),
      cluster([argsName, [1]]),
      cluster([argsName, { a: 1 }]),
      cluster([envsName, ['A=1']]),
      cluster([envsName, { A: 1 }]),
      cluster([envsName, { 'A=B': 'x' }]),
      cluster([execName, 'text']),
      cluster([execName, ['x']]),
      cluster([execName, deep]),
      cluster([execName, { big: 'x'.repeat(1024 * 1024) }]),
      { server, extensions: 'text' },
    ];
    for (const published of bad) {
      const access = resolve(
        withProviders({ name: 'p', cluster: published }),
        providerFile({ name: 'p', policies }),
        podAccessPolicy,
      );
      expect(codeOf(access)).toBe('extension-invalid');
    }
    for (const name of [execName, argsName, envsName])
      expect(() => invoke(cluster([name, null]), policies)).not.toThrow();
  });

  it('[AC-36] nothing in args is expanded', () => {
    const text = ['$(NAME)', '{{ .Name }}', '${HOME}', '`id`'];
    expect(invoke(cluster([argsName, text]), { profileSourcedCLIArgsPolicy: 'Append' }).args).toEqual(text);
  });
});

it('[DI-34] a profile that is being deleted is not reachable, with that reason', () => {
  const leaving = profile(
    { accessProviders: [{ name: 'p', cluster: { server } }] },
    { deletionTimestamp: '2026-01-01T00:00:00Z' },
  );
  expect(codeOf(resolve(leaving, providerFile({ name: 'p' }), podAccessPolicy))).toBe(
    'profile-being-removed',
  );
});
