import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts');

interface Outcome {
  readonly code: unknown;
  readonly stdout: string;
  readonly stderr: string;
}

function run(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  flags: readonly string[] = [],
): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [...flags, main, ...args],
      { env: { PATH: process.env['PATH'], ...env } },
      (error, stdout, stderr) => {
        resolve({ code: error?.code ?? 0, stdout, stderr });
      },
    );
  });
}

describe('[TH-47] the process does not start', () => {
  it.each<[string, Readonly<Record<string, string>>, readonly string[]]>([
    ['where TLS is not verified', { NODE_TLS_REJECT_UNAUTHORIZED: '0' }, []],
    ['with a lenient parser, by flag', {}, ['--insecure-http-parser']],
    ['with a lenient parser, by NODE_OPTIONS', { NODE_OPTIONS: '--insecure-http-parser' }, []],
    ['with a lenient parser, in another spelling', {}, ['--insecure_http_parser']],
    ['with a lenient parser, between quotes', { NODE_OPTIONS: '--title=a --insecure-"http\\_parser"' }, []],
    ['with an old TLS', { NODE_OPTIONS: '--tls-min-v1.0' }, []],
  ])('%s', async (_title, env, flags) => {
    const { code, stderr } = await run(['--version'], env, flags);
    expect(code).toBe(2);
    expect(stderr).toContain('does not start with');
  });
});

it.each([
  '--openssl-legacy-provider',
  '--max-http-header-size=1000000',
  '--no-insecure-http-parser',
  '--tls-min-v1.3',
])('[TH-47] the process starts with %s, which weakens nothing', async (flag) => {
  expect((await run(['--version'], { NODE_OPTIONS: flag })).code).toBe(0);
});

it('[OP-14] says its version', async () => {
  expect(await run(['--version'])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+/) as string,
  });
});

it('[OP-14] says its options', async () => {
  expect((await run(['--help'])).stdout).toContain('--access-policy');
});

it.each(['--listn=x', '--cluster-inventory-provider-file=/nonexistent'])(
  '[OP-13] says by its exit code that %s is to be mended',
  async (option) => {
    expect(await run([option])).toMatchObject({ code: 2, stdout: '' });
  },
);

it('[OP-13] says by an exit code of its own that an address is taken', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'main-'));
  const write = async (name: string, value: object): Promise<string> => {
    await writeFile(join(folder, name), JSON.stringify(value));
    return join(folder, name);
  };
  const execConfig = { apiVersion: 'client.authentication.k8s.io/v1', command: 'none' };
  const providers = await write('providers', { providers: [{ name: 'p', execConfig }] });
  const kubeconfig = await write('kubeconfig', { apiVersion: 'v1', kind: 'Config' });
  const taker = createServer();
  await new Promise<void>((resolve) => taker.listen(0, '127.0.0.1', resolve));
  const { port } = taker.address() as AddressInfo;
  const { code, stderr } = await run([
    `--cluster-inventory-provider-file=${providers}`,
    `--kubeconfig=${kubeconfig}`,
    `--listen=127.0.0.1:${port}`,
  ]);
  taker.close();
  await rm(folder, { recursive: true });
  expect(stderr).toContain(`127.0.0.1:${port}: is taken`);
  expect(code).toBe(3);
});
