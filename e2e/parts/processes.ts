import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

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

/**
 * Leads the daemon's process group. Its stdin is a pipe that only our process holds open: however we end, SIGKILL
 * included, the pipe closes and the watcher ends the group. A shell, since it costs 1 MB where a Node costs 45.
 */
const supervisor = `
exec 3<&0 </dev/null
trap : TERM INT HUP
"$@" 3<&- &
daemon=$!
( read -r _ <&3; trap '' TERM INT HUP; kill -s TERM -- -$$; sleep 2; kill -s KILL -- -$$ ) &
watcher=$!
exec 3<&-
while kill -0 $daemon 2>/dev/null; do wait $daemon; code=$?; done
kill -s TERM $watcher 2>/dev/null
exit $code
`;

/** Starts a daemon in a process group of its own, with its output in `<logFolder>/<name>.log`. */
export function startDaemon({ name, command, args, logFolder, env, cwd, uid, gid }: DaemonSpec): Daemon {
  mkdirSync(logFolder, { recursive: true });
  const logFile = join(logFolder, `${name}.log`);
  const log = openSync(logFile, 'w');
  const child = spawn('/bin/sh', ['-c', supervisor, 'supervisor', command, ...args], {
    detached: true,
    stdio: ['pipe', log, log],
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
      // Whatever the daemon left behind in its group goes with it.
      signalGroup(child.pid, 'SIGKILL');
      resolve();
    });
  });
  // The pipe breaks when the group is killed; that is not an error of ours.
  child.stdin?.on('error', () => undefined);
  let stopping: Promise<void> | undefined;
  const stop = async (graceMs: number): Promise<void> => {
    if (ended !== undefined) return;
    signalGroup(child.pid, 'SIGTERM');
    const kill = setTimeout(() => signalGroup(child.pid, 'SIGKILL'), graceMs);
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

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // Nobody is left in the group.
  }
}

function readEnd(file: string): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-15).join('\n');
}
