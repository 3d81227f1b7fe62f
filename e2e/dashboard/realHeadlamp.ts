import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Hub } from './backend/hubProxy.ts';

export interface RealHeadlampOptions {
  /** Path of Headlamp's server binary. */
  binary: string;
  htmlDir: string | undefined;
  hub: Hub;
  clusterName: string;
  baseUrl: string;
  pluginDir: string | undefined;
  host: string;
  port: number;
  /** Scratch folder: kubeconfig, home and empty plugin folder of the process. */
  workDir: string;
}

const START_TIMEOUT_MS = 30_000;
const POLL_MS = 100;

/** Runs a released Headlamp server on the same options as our stand-in. Ends when `stop` is called. */
export async function startRealHeadlamp(
  options: RealHeadlampOptions,
): Promise<{ stop: () => Promise<void> }> {
  const { host, port, baseUrl, workDir } = options;
  const kubeconfig = join(workDir, 'kubeconfig');
  const emptyDir = join(workDir, 'no-plugins');
  await mkdir(emptyDir, { recursive: true });
  await writeFile(kubeconfig, buildKubeconfig(options), { mode: 0o600 });
  const args = [
    ['-port', String(port)],
    ['-listen-addr', host],
    ['-kubeconfig', kubeconfig],
    ['-plugins-dir', options.pluginDir ?? emptyDir],
    ...(options.htmlDir === undefined ? [] : [['-html-static-dir', options.htmlDir]]),
    ...(baseUrl === '' ? [] : [['-base-url', baseUrl]]),
  ].flat();
  const child = spawn(options.binary, args, {
    cwd: workDir,
    env: { PATH: process.env['PATH'], HOME: workDir },
    stdio: 'ignore',
  });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
  const stop = async () => {
    if (!hasEnded()) child.kill('SIGTERM');
    await exited;
  };

  const deadlineMs = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const isReady = await fetch(`http://${host}:${port}${baseUrl}/config`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (isReady) return { stop };
    if (hasEnded()) throw new Error(`Headlamp (${options.binary}) ended before it answered`);
    if (Date.now() > deadlineMs) {
      await stop();
      throw new Error(`Headlamp (${options.binary}) did not answer within ${START_TIMEOUT_MS} ms`);
    }
    await delay(POLL_MS);
  }
}

/** JSON is YAML: no library needed. */
function buildKubeconfig({ hub, clusterName }: RealHeadlampOptions): string {
  const ca =
    hub.ca === undefined ? {} : { 'certificate-authority-data': Buffer.from(hub.ca).toString('base64') };
  const user = hub.token === undefined ? {} : { token: hub.token };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: clusterName, cluster: { server: hub.url, ...ca } }],
    users: [{ name: clusterName, user }],
    contexts: [{ name: clusterName, context: { cluster: clusterName, user: clusterName } }],
    'current-context': clusterName,
  });
}
