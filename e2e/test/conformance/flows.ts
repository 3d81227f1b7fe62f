import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeBytes } from '../../parts/kwok.ts';
import { runKubectl, startKubectl } from './kubectl.ts';
import { configMap, script } from './requestSteps.ts';
import type { Scene, Way } from './scene.ts';

type Env = Readonly<Record<string, string>>;

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/**
 * So many records of tar, as an archive of one file: KWOK does not tell a command that its input has ended, and tar
 * waits until its last record is full.
 */
export function fillRecords(count: number): number {
  const [blocksOfRecord, blocksAround, bytesOfBlock] = [20, 3, 512];
  return (count * blocksOfRecord - blocksAround) * bytesOfBlock;
}

/** A file into a container and back. */
export async function copyBothWays(scene: Scene, way: Way, env: Env, bytes: number): Promise<object> {
  const there = `copied-${way.name}.bin`;
  const [file, back] = [join(scene.folder, 'source.bin'), join(scene.folder, there)];
  const content = randomBytes(bytes);
  writeFileSync(file, content);
  const upload = await runKubectl(scene, way, ['cp', 'source.bin', `hello:${there}`], { env });
  const sum = await runKubectl(scene, way, ['exec', 'hello', '--', 'sha256sum', there], { env });
  const download = await runKubectl(scene, way, ['cp', `hello:${there}`, there], { env });
  await runKubectl(scene, way, ['exec', 'hello', '--', 'rm', there], { env });
  return {
    upload: [upload.code, upload.stdout.toString(), upload.stderr],
    isThere: sum.stdout.toString().split(' ', 1)[0] === digest(content),
    download: [download.code, download.stdout.toString(), download.stderr],
    isBack: digest(readFileSync(back)) === digest(content),
  };
}

/** Three downloads at once over one port-forward. */
export async function downloadOverPortForward(
  scene: Scene,
  way: Way,
  env: Env,
  bytes: number,
): Promise<object> {
  const forwarding = startKubectl(
    scene,
    way,
    ['port-forward', 'pod/hello', ':8080', '--address', '127.0.0.1'],
    {
      env,
    },
  );
  const [, port = ''] = await forwarding.waitFor(/Forwarding from 127\.0\.0\.1:(\d+) -> 8080\n/);
  const answers = await Promise.all(
    [0, 1, 2].map(async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/bytes/${bytes}`);
      return [answer.status, digest(await answer.bytes())];
    }),
  );
  forwarding.end();
  const { stderr } = await forwarding.ended;
  return { answers, stderr };
}

export const digestOfDownload = (bytes: number): string => digest(makeBytes(bytes));

/**
 * `kubectl proxy` in between, which leaves out the path of its server unless it is told not to: an object, a large upload, and a
 * watch that shows the change.
 */
export async function askThroughKubectlProxy(scene: Scene, way: Way): Promise<object> {
  const proxying = startKubectl(scene, way, ['proxy', '--port=0', '--append-server-path']);
  const [, address = ''] = await proxying.waitFor(/Starting to serve on (127\.0\.0\.1:\d+)\n/);
  const ask = (path: string, init?: RequestInit): Promise<Response> =>
    fetch(`http://${address}${path}`, init);
  const read = await ask('/api/v1/namespaces/large/configmaps/part-00?x=%2B&y=a+b');
  const object = await read.text();
  const value = 'ü'.repeat(450_000);
  const upload = await ask(`${script}/configmaps?dryRun=All`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(configMap('uploaded', { value })),
  });
  const uploaded = (await upload.json()) as { readonly data: Readonly<Record<string, string>> };
  const path = `${script}/configmaps/watched-by-proxy`;
  const watching = new AbortController();
  const watch = await ask(`${script}/configmaps?watch=true&fieldSelector=metadata.name%3Dwatched-by-proxy`, {
    signal: watching.signal,
  });
  await scene.spoke.client.create(`${script}/configmaps`, configMap('watched-by-proxy', {}));
  await scene.spoke.client.delete(path);
  let text = '';
  for await (const chunk of watch.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk;
    if (text.includes('"DELETED"')) break;
  }
  const types = [...text.matchAll(/"type":"(\w+)"/g)].map(([, type]) => type);
  watching.abort();
  proxying.end();
  await proxying.ended;
  return {
    read: [read.status, object],
    upload: [upload.status, uploaded.data['value'] === value],
    watch: [watch.status, types],
  };
}

/** A terminal of 91 by 27 on this side, which the other is told of; KWOK loses what is written just before the end. */
export async function openTerminal(scene: Scene, way: Way, env: Env): Promise<object> {
  const wanted = '27 91';
  const there = `until [ "$(stty size)" = "${wanted}" ]; do sleep 0.1; done; stty size; tty | cut -c-9; sleep 1; exit 3`;
  const command = `stty cols 91 rows 27; exec "$KUBECTL" --cache-dir="$KUBECONFIG.cache" exec -it hello -- sh -c '${there}'`;
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    cwd: scene.folder,
    env: {
      KUBECONFIG: way.kubeconfigFile,
      KUBECTL: scene.kubectl,
      HOME: scene.folder,
      PATH: process.env['PATH'] ?? '',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 20_000,
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  // `script` sends a NUL where it has no input; where it is echoed is chance.
  return { code, text: text.replaceAll('^@', '') };
}
