import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { signalGroup, spawnGroup } from '../bootstrap/processGroups.mjs';

export interface DaemonSpec {
  /** Names the log file and the messages. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly logFolder: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Run as somebody else; only root can. */
  readonly uid?: number;
  readonly gid?: number;
}

export interface Daemon {
  readonly name: string;
  /** Of the whole process group. */
  readonly pid: number;
  readonly logFile: string;
  /** Throws, with the end of the log, once the process has ended without being asked to. */
  readonly assertRunning: () => void;
  /** TERM to the whole group, KILL after the grace time; returns when it is gone. */
  stop(options?: { readonly graceMs?: number }): Promise<void>;
}

/** Starts a daemon in a process group of its own, with its output in `<logFolder>/<name>.log`. */
export function startDaemon({ name, command, args, logFolder, env, cwd, uid, gid }: DaemonSpec): Daemon {
  mkdirSync(logFolder, { recursive: true });
  const logFile = join(logFolder, `${name}.log`);
  const log = openSync(logFile, 'w');
  const child = spawnGroup(command, args, log, {
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...env },
    ...(cwd === undefined ? {} : { cwd }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  });
  closeSync(log);
  let ended: string | undefined;
  const exited = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      ended = error.message;
      resolve();
    });
    child.once('exit', (code, signal) => {
      ended = signal === null ? `exit code ${code}` : `signal ${signal}`;
      resolve();
    });
  });
  let stopping: Promise<void> | undefined;
  const stop = async (graceMs: number): Promise<void> => {
    if (ended !== undefined) return;
    signalGroup(child, 'SIGTERM');
    const kill = setTimeout(() => signalGroup(child, 'SIGKILL'), graceMs);
    await exited;
    clearTimeout(kill);
  };
  return {
    name,
    pid: child.pid ?? -1,
    logFile,
    assertRunning: () => {
      if (ended !== undefined && !stopping)
        throw new Error(`${name} ended (${ended}). The end of its log:\n${readEnd(logFile)}`);
    },
    stop: ({ graceMs = 2_000 } = {}) => (stopping ??= stop(graceMs)),
  };
}

function readEnd(file: string): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-15).join('\n');
}
