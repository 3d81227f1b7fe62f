import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { endGroups } from './processGroups.mjs';

const watchIntervalMs = 500;

/** @type {import('node:child_process').ChildProcess | undefined} */
let child;

/**
 * From now on every end is passed on: to who was handed over to, else to the commands that run. Signals are; and that
 * npm is gone, which says nothing when it is killed.
 */
export function passEndsOn() {
  /** @param {NodeJS.Signals} signal */
  const end = (signal) => {
    if (child) child.kill(signal);
    else void endGroups().finally(() => process.exit(128 + constants.signals[signal]));
  };
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, end);
  // A terminal or a pipe that is gone is no reason to end otherwise than in order.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  // Who starts this without npm may leave it in the background and go. (npm is the parent by the `exec` of the scripts
  // in package.json; without it a shell is, which passes nothing on.)
  if (process.env['npm_lifecycle_event'] === undefined) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    end('SIGTERM');
  }, watchIntervalMs);
  timer.unref();
}

/**
 * Runs a script in another Node and ends with its exit code. Should this process be killed, the script notices by its
 * channel (see listenForEnd).
 * @param {string} node
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} env
 */
export function handOver(node, args, env) {
  child = spawn(node, [...args], { stdio: ['inherit', 'inherit', 'inherit', 'ipc'], env });
  child.on('error', (error) => {
    console.error(`The pinned Node does not start: ${error.message}`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal ?? 'SIGTERM']));
}
