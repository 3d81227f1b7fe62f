import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { spawnGroup } from './processGroups.mjs';

/** What a command that failed had to say, for people. */
export class CommandError extends Error {}

/**
 * Runs a command to its end, telling its newest line. It ends when our process does, with all that it started.
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
  const child = spawnGroup(command, args, 'pipe', { cwd, env: env ?? process.env });
  /** @type {string[]} */
  const last = [];
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
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
