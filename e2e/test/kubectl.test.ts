import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Demo, startDemo } from '../demo/startDemo.ts';
import { findFreePort } from '../parts/freePort.ts';
import { until } from '../parts/until.ts';

let folder: string;
let demo: Demo;
/** One kubeconfig straight to the spoke, one through the sidecar; both act as the same user there. */
let straight: string;
let through: string;
/** The path of `through`'s server. */
let prefix: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kubectl-'));
  demo = await startDemo({ port: undefined, clusters: 3, auth: 'none', folder: join(folder, 'demo') });
  const [spoke] = demo.fleet.spokes;
  if (!spoke) throw new Error('no spoke');
  straight = join(folder, 'straight.kubeconfig');
  writeFileSync(straight, spoke.kubeconfig);
  const answer = await fetch(new URL('/cluster-inventory/v1/clusters', demo.url));
  const { clusters } = (await answer.json()) as {
    clusters: readonly { name: string; displayName: string }[];
  };
  const name = clusters.find(({ displayName }) => displayName === 'payments-prod-eu-1')?.name ?? '';
  prefix = `/clusters/${name}`;
  through = join(folder, 'through.kubeconfig');
  writeFileSync(
    through,
    stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server: new URL(prefix, demo.url).href } }],
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u', namespace: 'default' } }],
      users: [{ name: 'u', user: {} }],
      'current-context': 'c',
    }),
  );
  return async () => {
    await demo.stop();
    rmSync(folder, { recursive: true, force: true });
  };
});

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Ends kubectl once its output satisfies this: for what does not end by itself. */
  readonly endWhen?: (stdout: string) => boolean;
  /** Ends kubectl when aborted. */
  readonly signal?: AbortSignal;
  /** Called with the running command's output as it comes. */
  readonly onOutput?: (stdout: string) => void;
}

function kubectl(
  kubeconfig: string,
  args: readonly string[],
  { env, input, endWhen, signal, onOutput }: RunOptions = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      demo.fleet.binaries.programs.kubectl.path,
      [`--cache-dir=${kubeconfig}.cache`, ...args],
      {
        env: { KUBECONFIG: kubeconfig, HOME: folder, PATH: process.env['PATH'] ?? '', ...env },
        stdio: ['pipe', 'pipe', 'pipe'],
      },
    );
    let stdout = '';
    let stderr = '';
    signal?.addEventListener('abort', () => child.kill('SIGTERM'), { once: true });
    const deadline = setTimeout(() => child.kill('SIGKILL'), 25_000);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      onOutput?.(stdout);
      if (endWhen?.(stdout)) child.kill('SIGTERM');
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(deadline);
      resolve({ code, stdout, stderr });
    });
    child.stdin.end(input ?? '');
  });
}

/** Ages and what names the way taken differ between two runs of anything. */
const settle = (text: string): string =>
  text
    .replaceAll(/\b\d+(m\d+)?s\b|\b\d+m\b/g, 'AGE')
    .replaceAll(/https?:\/\/127\.0\.0\.1:\d+(\/clusters\/[^\s/"]+)?/g, 'SERVER')
    .replaceAll(/[EIW]\d{4} [\d:.]+ +\d+ /g, '');

async function compare(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const expected = await kubectl(straight, args, options);
  const actual = await kubectl(through, args, options);
  expect(settle(actual.stderr)).toBe(settle(expected.stderr));
  expect(settle(actual.stdout)).toBe(settle(expected.stdout));
  expect(actual.code).toBe(expected.code);
  return actual;
}

describe('kubectl through /clusters/<name> gives the output and the exit code that it gives straight', () => {
  it.each([
    ['get pods', ['get', 'pods', '-A'], 0],
    ['get pods -o wide', ['get', 'pods', '-n', 'shop', '-o', 'wide'], 0],
    ['get pods -o json', ['get', 'pods', '-n', 'shop', '-o', 'json'], 0],
    ['get of a missing one', ['get', 'pod', 'nothing-here'], 1],
    ['describe', ['describe', 'pod', 'hello'], 0],
    ['describe node', ['describe', 'node', 'node-1'], 0],
    ['api-resources', ['api-resources', '--no-headers'], 0],
    ['auth can-i', ['auth', 'can-i', 'delete', 'pods'], 0],
    ['logs of a missing one', ['logs', 'nothing-here'], 1],
    ['exec in a missing one', ['exec', 'nothing-here', '--', 'true'], 1],
  ])('%s', async (_title, args, code) => {
    expect((await compare(args)).code).toBe(code);
  });

  it('[PX-01] get --raw, the query as it was written', async () => {
    const path = '/api/v1/namespaces/default/pods?limit=1&fieldSelector=metadata.name%3Dhello';
    const expected = await kubectl(straight, ['get', '--raw', path]);
    // With --raw kubectl leaves out the path of its server.
    const actual = await kubectl(through, ['get', '--raw', `${prefix}${path}`]);
    expect(actual).toEqual(expected);
    expect(actual.code).toBe(0);
  });

  it('apply, apply again, get, delete', async () => {
    const manifest = (value: string): string =>
      stringify({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'notes', namespace: 'default' },
        data: { value },
      });
    for (const [args, input] of [
      [['apply', '-f', '-'], manifest('one')],
      [['apply', '-f', '-'], manifest('one')],
      [['apply', '-f', '-'], manifest('two')],
      [['apply', '--server-side', '--force-conflicts', '-f', '-'], manifest('three')],
    ] as const) {
      const actual = await kubectl(through, args, { input });
      expect(actual.stderr).toBe('');
      expect(actual.code).toBe(0);
    }
    const read = await compare(['get', 'configmap', 'notes', '-o', 'jsonpath={.data.value}']);
    expect(read.stdout).toBe('three');
    const deleted = await kubectl(through, ['delete', 'configmap', 'notes']);
    expect(deleted).toMatchObject({ code: 0, stderr: '' });
    expect(deleted.stdout).toMatch(/^configmap "notes" deleted/);
    expect((await compare(['get', 'configmap', 'notes'])).code).toBe(1);
  });

  it('get pods -w shows a change while it runs', async () => {
    let changed = false;
    const watched = await kubectl(through, ['get', 'pods', '-n', 'default', '-w', '-L', 'note'], {
      onOutput: (stdout) => {
        if (changed || !stdout.includes('hello')) return;
        changed = true;
        void kubectl(straight, ['label', 'pod', 'hello', 'note=seen', '--overwrite']);
      },
      endWhen: (stdout) => /hello .*seen/.test(stdout),
    });
    expect(watched.stdout).toMatch(/hello .*seen/);
    await kubectl(straight, ['label', 'pod', 'hello', 'note-']);
  });

  it('logs, with and without a limit', async () => {
    const lines = await kubectl(straight, ['logs', '-n', 'shop', 'cart']);
    const first = lines.stdout.split('\n')[0] ?? '';
    expect(first).not.toBe('');
    const actual = await kubectl(through, ['logs', '-n', 'shop', 'cart']);
    expect(actual.code).toBe(0);
    expect(actual.stdout.startsWith(lines.stdout)).toBe(true);
    await compare(['logs', '-n', 'shop', 'cart', '--limit-bytes', '20']);
  });

  it('[PX-21] logs -f goes on with new lines', async () => {
    let firstLines = 0;
    const followed = await kubectl(through, ['logs', '-n', 'shop', 'cart', '-f'], {
      endWhen: (stdout) => {
        const count = stdout.split('\n').length;
        firstLines ||= count;
        return count > firstLines;
      },
    });
    expect(followed.stdout.split('\n').length).toBeGreaterThan(firstLines);
  });

  it('[PX-30] exec over WebSocket', async () => {
    const actual = await compare(['exec', 'hello', '--', 'echo', 'from inside']);
    expect(actual.stdout).toBe('from inside\n');
  });

  it('[PX-30] exec over SPDY', async () => {
    const env = { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false' };
    const actual = await compare(['exec', 'hello', '--', 'echo', 'from inside'], { env });
    expect(actual.stdout).toBe('from inside\n');
  });

  it('[PX-30] port-forward carries an answer back', async () => {
    const port = await findFreePort();
    const ending = new AbortController();
    const forwarded = kubectl(
      through,
      ['port-forward', 'pod/hello', `${port}:8080`, '--address', '127.0.0.1'],
      { signal: ending.signal },
    );
    let body = '';
    await until(
      async () => {
        body = await fetch(`http://127.0.0.1:${port}/`).then(
          (answer) => answer.text(),
          () => '',
        );
        return body !== '';
      },
      { timeoutMs: 15_000, message: 'the Pod answers' },
    );
    expect(body).toContain('Hello from the Pods');
    ending.abort();
    await forwarded;
  });
});
