import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/**
 * Ends a child when our process ends; for children that would go on by themselves.
 * @param {import('node:child_process').ChildProcess} child
 */
export function endWithUs(child) {
  const end = () => child.kill();
  process.once('exit', end);
  child.once('close', () => process.off('exit', end));
}

/** What a command that failed had to say, for people. */
export class CommandError extends Error {}

/**
 * Runs a command to its end, telling its newest line.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {object} [options]
 * @param {string} [options.cwd]
 * @param {NodeJS.ProcessEnv} [options.env]
 * @param {(line: string) => void} [options.onLine]
 * @param {(line: string) => boolean} [options.isNoise] lines that say nothing when it fails
 */
export async function runCommand(
  command,
  args,
  { cwd, env, onLine = () => undefined, isNoise = () => false } = {},
) {
  const child = spawn(command, [...args], {
    cwd,
    env: env ?? process.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  endWithUs(child);
  /** @type {string[]} */
  const last = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      if (line.trim() === '') return;
      onLine(line);
      if (isNoise(line)) return;
      last.push(line);
      if (last.length > 40) last.shift();
    });
  }
  const [code, signal] = await once(child, 'close');
  if (code === 0) return;
  throw new CommandError(
    `${command} ${args.join(' ')}: ${signal ? `ended by ${signal}` : `exit code ${code}`}\n${last.join('\n')}`,
  );
}
