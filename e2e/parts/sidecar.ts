import { join } from 'node:path';
import { findFreePort } from './freePort.ts';
import { startDaemon } from './processes.ts';
import { until } from './until.ts';

export interface SidecarOptions {
  readonly providerFile: string;
  /** Its contexts are the roots. */
  readonly kubeconfigFile: string;
  readonly dashboardUrl: string;
  readonly logFolder: string;
  /** A free one if not told. */
  readonly port?: number;
  /** Names the log, where a test starts several. */
  readonly name?: string;
  readonly extraArgs?: readonly string[];
  /** What was built, instead of the sources. */
  readonly mainFile?: string;
  /** Of Node itself, in front of the sidecar's file. */
  readonly nodeArgs?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

export interface SidecarProcess {
  /** Without a slash at the end. */
  readonly url: string;
  readonly adminUrl: string;
  readonly port: number;
  /** Of its process group. */
  readonly pid: number;
  readonly logFile: string;
  stop(): Promise<void>;
}

const sourceFile = join(import.meta.dirname, '..', '..', 'sidecar', 'src', 'main.ts');

/** The sidecar as a process of its own; ready when this resolves. */
export async function startSidecar(options: SidecarOptions): Promise<SidecarProcess> {
  const { sidecar, assertRunning } = await spawnSidecar(options);
  try {
    await until(async () => (await fetch(`${sidecar.adminUrl}/readyz`)).status === 200, {
      timeoutMs: 30_000,
      message: 'the sidecar is ready',
      giveUp: assertRunning,
    });
  } catch (error) {
    await sidecar.stop();
    throw error;
  }
  return sidecar;
}

/** The same for who looks at the start itself: nothing answers yet. */
export async function spawnSidecar(
  options: SidecarOptions,
): Promise<{ readonly sidecar: SidecarProcess; readonly assertRunning: () => void }> {
  const port = options.port ?? (await findFreePort());
  const adminPort = await findFreePort();
  const daemon = startDaemon({
    name: options.name ?? 'sidecar',
    command: process.execPath,
    args: [
      ...(options.nodeArgs ?? []),
      options.mainFile ?? sourceFile,
      `--cluster-inventory-provider-file=${options.providerFile}`,
      `--kubeconfig=${options.kubeconfigFile}`,
      `--dashboard-url=${options.dashboardUrl}`,
      `--listen=127.0.0.1:${port}`,
      `--admin-listen=127.0.0.1:${adminPort}`,
      ...(options.extraArgs ?? []),
    ],
    logFolder: options.logFolder,
    ...(options.environment === undefined ? {} : { env: options.environment }),
  });
  const sidecar: SidecarProcess = {
    url: `http://127.0.0.1:${port}`,
    adminUrl: `http://127.0.0.1:${adminPort}`,
    port,
    pid: daemon.pid,
    logFile: daemon.logFile,
    stop: () => daemon.stop(),
  };
  return { sidecar, assertRunning: daemon.assertRunning };
}
