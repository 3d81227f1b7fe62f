import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { kubeconfigFiles, loadRoots, type RootSource } from '../../src/inventory/loadRoots.ts';
import { codedErrorOf } from '../support/codedErrorOf.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'roots-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const base64 = (text: string): string => Buffer.from(text).toString('base64');

function write(name: string, content: unknown): string {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, typeof content === 'string' ? content : stringify(content));
  return path;
}

interface Context {
  readonly cluster?: object;
  readonly user?: object;
  readonly namespace?: string;
}

function kubeconfig(contexts: Readonly<Record<string, Context>>): object {
  const entries = Object.entries(contexts);
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: entries.map(([name, { cluster }]) => ({
      name,
      cluster: { server: `https://${name}.example`, ...cluster },
    })),
    users: entries.map(([name, { user }]) => ({ name, user: user ?? {} })),
    contexts: entries.map(([name, { namespace }]) => ({
      name,
      context: { cluster: name, user: name, ...(namespace === undefined ? {} : { namespace }) },
    })),
  };
}

const from = (path: string, more: Partial<RootSource> = {}): RootSource => ({
  kubeconfig: path,
  contexts: [],
  environment: {},
  ...more,
});

describe('[DI-01] in a pod', () => {
  const environment = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
  const inPod = (): RootSource => ({
    kubeconfig: '',
    contexts: [],
    environment,
    serviceAccountFolder: join(folder, 'account'),
  });

  it('the hub is the cluster that it runs in, as the ServiceAccount of the pod, whose token is read anew', async () => {
    write('account/ca.crt', 'CA');
    write('account/namespace', 'dashboard\n');
    const tokenFile = write('account/token', 'T');
    expect(kubeconfigFiles(inPod())).toEqual([]);
    expect(await loadRoots(inPod())).toEqual([
      {
        name: 'in-cluster',
        defaultNamespace: 'dashboard',
        server: 'https://[fd00::1]:443',
        ca: 'CA',
        insecureSkipVerify: false,
        user: { tokenFile },
      },
    ]);
  });

  it('without a ServiceAccount it says which file is missing', async () => {
    write('account/ca.crt', 'CA');
    write('account/namespace', 'dashboard');
    const error = await codedErrorOf(() => loadRoots(inPod()));
    expect([error.code, error.message]).toEqual([
      'kubeconfig-invalid',
      'the pod has no ServiceAccount (token cannot be read)',
    ]);
  });

  it('a kubeconfig that is named wins', async () => {
    const path = write('config', kubeconfig({ a: {} }));
    expect((await loadRoots({ ...inPod(), kubeconfig: path })).map(({ name }) => name)).toEqual(['store/a']);
  });
});

describe('[DI-02] the contexts of a kubeconfig', () => {
  it('are roots, each with its server, trust, namespace and user', async () => {
    write('keys/ca.pem', 'CA of b');
    write('tokens/b', 'T');
    const path = write(
      'config',
      kubeconfig({
        a: {
          cluster: {
            'certificate-authority-data': base64('CA of a'),
            'tls-server-name': 'inner',
            'proxy-url': 'http://proxy:3128',
          },
          user: { 'client-certificate-data': base64('C'), 'client-key-data': base64('K') },
          namespace: 'fleet',
        },
        b: { cluster: { 'certificate-authority': 'keys/ca.pem' }, user: { tokenFile: 'tokens/b' } },
        c: { cluster: { 'insecure-skip-tls-verify': true }, user: { token: 'T' } },
        d: { user: { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: './bin/plugin' } } },
      }),
    );
    const [a, b, c, d] = await loadRoots(from(path));
    expect(a).toEqual({
      name: 'store/a',
      defaultNamespace: 'fleet',
      server: 'https://a.example',
      ca: 'CA of a',
      serverName: 'inner',
      insecureSkipVerify: false,
      proxyUrl: 'http://proxy:3128',
      user: { clientCertificate: { certificate: 'C', key: 'K' } },
    });
    expect(b).toMatchObject({
      defaultNamespace: 'default',
      ca: 'CA of b',
      user: { tokenFile: join(folder, 'tokens/b') },
    });
    expect(c).toMatchObject({ insecureSkipVerify: true, user: { token: 'T' } });
    expect(d?.user.exec).toMatchObject({ command: join(folder, 'bin/plugin') });
  });

  it('are those that are named, and a name that is none stops the start', async () => {
    const path = write('config', kubeconfig({ a: {}, b: {}, c: {} }));
    expect((await loadRoots(from(path, { contexts: ['c', 'a'] }))).map(({ name }) => name)).toEqual([
      'store/c',
      'store/a',
    ]);
    const error = await codedErrorOf(() => loadRoots(from(path, { contexts: ['a', 'x'] })));
    expect([error.code, error.message]).toEqual(['kubeconfig-invalid', 'the kubeconfig has no context "x"']);
  });

  it('of several files: the first that names one decides, and a file that is not there is none', async () => {
    const first = write('one/config', kubeconfig({ a: { cluster: { server: 'https://first.example' } } }));
    const second = write('two/config', kubeconfig({ a: {}, b: {} }));
    const KUBECONFIG = [first, join(folder, 'none'), second].join(delimiter);
    const roots = await loadRoots({ kubeconfig: '', contexts: [], environment: { KUBECONFIG } });
    expect(roots.map(({ name, server }) => [name, server])).toEqual([
      ['store/a', 'https://first.example'],
      ['store/b', 'https://b.example'],
    ]);
  });

  it('are those of a first document, as in client-go; an empty file has none', async () => {
    const empty = write('empty', '# nothing yet\n');
    const two = write('two', `${stringify(kubeconfig({ a: {} }))}---\n${stringify(kubeconfig({ b: {} }))}`);
    const KUBECONFIG = [empty, two].join(delimiter);
    const roots = await loadRoots({ kubeconfig: '', contexts: [], environment: { KUBECONFIG } });
    expect(roots.map(({ name }) => name)).toEqual(['store/a']);
  });

  it.each([
    ['is not there', undefined],
    ['is no YAML', '{"'],
  ])('a kubeconfig that %s stops the start', async (_title, content) => {
    const path = content === undefined ? join(folder, 'none') : write('config', content);
    expect((await codedErrorOf(() => loadRoots(from(path)))).code).toBe('kubeconfig-invalid');
  });

  it('[DI-04] one without its cluster is left out, and one whose CA file is gone goes without it', async () => {
    const whole = kubeconfig({ a: { cluster: { 'certificate-authority': 'gone.pem' } } }) as {
      contexts: object[];
    };
    whole.contexts.push({ name: 'lost', context: { cluster: 'nowhere', user: 'nobody' } });
    const roots = await loadRoots(from(write('config', whole)));
    expect(roots.map(({ name, ca }) => [name, ca])).toEqual([['store/a', undefined]]);
  });
});
