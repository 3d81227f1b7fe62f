import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Leads the command's process group. Its stdin is a pipe that only our process holds open: however we end, SIGKILL
 * included, the pipe closes and the watcher ends the group. A shell, since it costs 1 MB where a Node costs 45. It waits
 * once before it looks whether the command is still there: one that ended at once is not, and its code is known to `wait`.
 */
const supervisor = `
exec 3<&0 </dev/null
trap : TERM INT HUP
"$@" 3<&- &
command=$!
( read -r _ <&3; trap '' TERM INT HUP; kill -s TERM -- -$$; sleep 2; kill -s KILL -- -$$ ) &
watcher=$!
exec 3<&-
wait $command; code=$?
while kill -0 $command 2>/dev/null; do wait $command; code=$?; done
kill -s TERM $watcher 2>/dev/null
exit $code
`;

/** @type {Map<import('node:child_process').ChildProcess, Promise<void>>} */
const running = new Map();
let ending = false;

/**
 * Starts a command in a process group of its own, which ends when our process does. A terminal's Ctrl-C does not reach
 * it: who starts it ends it, with signalGroup or endGroups.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {'pipe' | 'inherit' | number} output where its stdout and stderr go, if a number to that file descriptor
 * @param {Omit<import('node:child_process').SpawnOptions, 'stdio' | 'detached'>} options
 * @param {number} [lingerMs] how long what the command leaves behind may clean up, once the command has ended
 */
export function spawnGroup(command, args, output, options, lingerMs = 0) {
  if (ending) throw new Error(`${command} is not started: everything is being ended`);
  const child = spawn('/bin/sh', ['-c', supervisor, 'supervisor', command, ...args], {
    ...options,
    detached: true,
    stdio: ['pipe', output, output],
  });
  // The pipe breaks when the group is killed; that is not an error of ours.
  child.stdin?.on('error', () => undefined);
  /** @type {Promise<void>} */
  const ended = new Promise((resolve) => {
    child.once('error', () => resolve());
    child.once('exit', () => {
      void sweep(child, lingerMs).then(resolve);
    });
  });
  running.set(child, ended);
  void ended.then(() => running.delete(child));
  return child;
}

/**
 * Whatever a command left behind in its group goes with it.
 * @param {import('node:child_process').ChildProcess} child
 * @param {number} lingerMs
 */
async function sweep(child, lingerMs) {
  const deadline = performance.now() + lingerMs;
  if (lingerMs > 0) signalGroup(child, 'SIGTERM');
  while (performance.now() < deadline && signalGroup(child, 0)) await sleep(25);
  signalGroup(child, 'SIGKILL');
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @param {NodeJS.Signals | 0} signal 0 only looks
 * @returns whether anybody is in the group
 */
export function signalGroup({ pid }, signal) {
  try {
    return pid !== undefined && process.kill(-pid, signal);
  } catch {
    return false;
  }
}

/** Ends every group, and lets no new one start: TERM, KILL after the grace time; returns when all are gone. */
export async function endGroups({ graceMs = 1_500 } = {}) {
  ending = true;
  for (const child of running.keys()) signalGroup(child, 'SIGTERM');
  setTimeout(killGroups, graceMs).unref();
  await Promise.all(running.values());
}

/** The same at once, for where nothing can be waited for. */
export function killGroups() {
  ending = true;
  for (const child of running.keys()) signalGroup(child, 'SIGKILL');
}
