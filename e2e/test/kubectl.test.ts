import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { stringify } from 'yaml';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Demo, startDemo } from '../demo/startDemo.ts';
import { silent } from '../parts/progress.ts';
import { until } from '../parts/until.ts';

let folder: string;
let demo: Demo;
/** One kubeconfig straight to the spoke, one through the sidecar; both act as the same user there. */
let straight: string;
let through: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kubectl-'));
  demo = await startDemo({ port: undefined, clusters: 3, folder: join(folder, 'demo'), progress: silent });
  const [spoke] = demo.fleet.spokes;
  if (!spoke) throw new Error('no spoke');
  straight = join(folder, 'straight.kubeconfig');
  writeFileSync(straight, spoke.kubeconfig);
  const answer = await fetch(new URL('/cluster-inventory/v1/clusters', demo.url));
  const { clusters } = (await answer.json()) as {
    clusters: readonly { name: string; displayName: string }[];
  };
  const name = clusters.find(({ displayName }) => displayName === 'payments-prod-eu-1')?.name ?? '';
  through = join(folder, 'through.kubeconfig');
  writeFileSync(
    through,
    stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server: `${demo.url}clusters/${name}` } }],
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
  /** Called with the running command's output as it comes. */
  readonly onOutput?: (stdout: string) => void;
}

function kubectl(
  kubeconfig: string,
  args: readonly string[],
  { env, input, endWhen, onOutput }: RunOptions = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      demo.fleet.binaries.programs.kubectl.path,
      [...args, `--cache-dir=${kubeconfig}.cache`],
      {
        env: { KUBECONFIG: kubeconfig, HOME: folder, PATH: process.env['PATH'] ?? '', ...env },
        stdio: ['pipe', 'pipe', 'pipe'],
      },
    );
    let stdout = '';
    let stderr = '';
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
  expect(settle(actual.stdout)).toBe(settle(expected.stdout));
  expect(settle(actual.stderr)).toBe(settle(expected.stderr));
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
    [
      'get --raw',
      ['get', '--raw', '/api/v1/namespaces/default/pods?limit=1&fieldSelector=metadata.name%3Dhello'],
      0,
    ],
    ['auth can-i', ['auth', 'can-i', 'delete', 'pods'], 0],
    ['logs of a missing one', ['logs', 'nothing-here'], 1],
    ['exec in a missing one', ['exec', 'nothing-here', '--', 'true'], 1],
  ])('%s', async (_title, args, code) => {
    expect((await compare(args)).code).toBe(code);
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
    expect(deleted).toEqual({
      code: 0,
      stdout: 'configmap "notes" deleted from default namespace\n',
      stderr: '',
    });
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
    const port = 20_000 + Math.floor(Math.random() * 20_000);
    let body = '';
    const forwarded = kubectl(
      through,
      ['port-forward', 'pod/hello', `${port}:8080`, '--address', '127.0.0.1'],
      {
        endWhen: () => body !== '',
        onOutput: () => undefined,
      },
    );
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
    // kubectl prints a line for each connection; the next one lets it see that it is to end.
    await Promise.race([fetch(`http://127.0.0.1:${port}/`).catch(() => undefined), wait(1000)]);
    await forwarded;
  });
});
