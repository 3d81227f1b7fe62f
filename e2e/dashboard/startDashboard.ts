import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBackend } from './backend/backend.ts';
import type { Hub } from './backend/hubProxy.ts';
import type { RefreshToken } from './backend/sessionRefresh.ts';
import { startRealHeadlamp } from './realHeadlamp.ts';

export interface DashboardOptions {
  /** The dashboard's own cluster. With a `token`, requests without a credential of their own use it. */
  hub: Hub;
  /** Default `main`. */
  clusterName?: string;
  /** Default: a free one. */
  port?: number;
  /** Default none; like `/headlamp`. */
  baseUrl?: string;
  /** Folder of plugins, one folder each, as Headlamp's `-plugins-dir`. */
  pluginDir?: string;
  /** Default `127.0.0.1`. */
  host?: string;
  /** Default: the UI that `npm run build:ui` made. */
  uiDir?: string;
  /** Of the stand-in: answers for the issuer when a session of the own cluster is about to end. */
  refresh?: RefreshToken;
  /** Default `process.env`. With HEADLAMP_SERVER (and HEADLAMP_HTML) a real Headlamp is started instead. */
  env?: Readonly<Record<string, string | undefined>>;
}

export interface Dashboard {
  /** With the base URL, without a slash at the end. */
  url: string;
  port: number;
  stop: () => Promise<void>;
}

/** Starts the dashboard: Headlamp's UI with our stand-in for its backend, or a real Headlamp. */
export async function startDashboard(options: DashboardOptions): Promise<Dashboard> {
  const {
    hub,
    clusterName = 'main',
    baseUrl = '',
    pluginDir,
    host = '127.0.0.1',
    env = process.env,
  } = options;
  const common = { hub, clusterName, baseUrl, pluginDir, host };
  const binary = env['HEADLAMP_SERVER'];
  if (binary === undefined || binary === '') {
    const uiDir = options.uiDir ?? join(import.meta.dirname, 'ui', 'dist');
    const { server, close } = createBackend({ ...common, uiDir, nowMs: Date.now, refresh: options.refresh });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(options.port ?? 0, host, resolve);
    });
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    return { url: `http://${host}:${port}${baseUrl}`, port, stop: close };
  }

  const workDir = await mkdtemp(join(tmpdir(), 'headlamp-'));
  const port = options.port ?? (await findFreePort(host));
  try {
    const htmlDir = env['HEADLAMP_HTML'];
    const headlamp = await startRealHeadlamp({ ...common, binary, htmlDir, port, workDir });
    const stop = async () => {
      await headlamp.stop();
      await rm(workDir, { recursive: true, force: true });
    };
    return { url: `http://${host}:${port}${baseUrl}`, port, stop };
  } catch (cause) {
    await rm(workDir, { recursive: true, force: true });
    throw cause;
  }
}

function findFreePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, host, () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
