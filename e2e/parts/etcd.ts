import { join } from 'node:path';
import { findFreePort } from './freePort.ts';
import { startDaemon, type Daemon } from './processes.ts';
import { until } from './until.ts';

export interface Etcd {
  readonly url: string;
  stop(): Promise<void>;
}

export interface EtcdOptions {
  /** The etcd binary. */
  readonly binary: string;
  readonly dataFolder: string;
  readonly logFolder: string;
}

/** One etcd serves every API server of a run, each under a prefix of its own. Nothing is kept safe: no fsync. */
export async function startEtcd({ binary, dataFolder, logFolder }: EtcdOptions): Promise<Etcd> {
  const port = await findFreePort();
  const url = `http://127.0.0.1:${port}`;
  const daemon: Daemon = startDaemon({
    name: 'etcd',
    command: binary,
    args: [
      `--data-dir=${join(dataFolder, 'etcd')}`,
      `--listen-client-urls=${url}`,
      `--advertise-client-urls=${url}`,
      '--listen-peer-urls=http://127.0.0.1:0',
      '--unsafe-no-fsync',
      '--log-level=warn',
      '--heartbeat-interval=10',
      '--election-timeout=100',
    ],
    logFolder,
  });
  try {
    await until(async () => (await fetch(`${url}/health`)).ok, {
      timeoutMs: 30_000,
      message: 'etcd answers',
      giveUp: daemon.assertRunning,
    });
  } catch (error) {
    await daemon.stop();
    throw error;
  }
  return { url, stop: () => daemon.stop({ graceMs: 1_000 }) };
}
