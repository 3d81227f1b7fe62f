import { constants } from 'node:fs';
import { access, open, stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';

/** What stands in the way of running a command. */
export type CommandFault = 'not-found' | 'not-executable' | 'no-interpreter-line';

export interface ResolvedCommand {
  /** With a slash in it, so that nobody looks it up again. */
  readonly file: string;
}

/**
 * Finds the file of a command (EX-01). Without a slash it is looked up on `searchPath`: as in client-go that is the
 * PATH of this process, not the one that the provider's `env` sets for the plugin. Entries that are not absolute
 * are passed over (Go: ErrDot). With a slash it is taken from where it says, relative to the working directory.
 */
export async function resolveCommand(
  command: string,
  searchPath: string | undefined,
): Promise<ResolvedCommand | CommandFault> {
  if (command.includes('/')) return (await findFault(command)) ?? { file: command };
  let fault: CommandFault = 'not-found';
  for (const folder of (searchPath ?? '').split(':')) {
    if (!isAbsolute(folder)) continue;
    const file = join(folder, command);
    const found = await findFault(file);
    if (found === undefined) return { file };
    if (found !== 'not-found') fault = found;
  }
  return fault;
}

async function findFault(file: string): Promise<CommandFault | undefined> {
  try {
    if (!(await stat(file)).isFile()) return 'not-executable';
    await access(file, constants.X_OK);
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    // A name with a zero byte is not the name of any file.
    return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ERR_INVALID_ARG_VALUE'
      ? 'not-found'
      : 'not-executable';
  }
  return (await isBareText(file)) ? 'no-interpreter-line' : undefined;
}

/**
 * A text that does not begin with `#!`: `execvp` would hand it to /bin/sh without a word, and a plugin never runs
 * through a shell (EX-01).
 */
async function isBareText(file: string): Promise<boolean> {
  let head: Buffer;
  try {
    const handle = await open(file, 'r');
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(256), 0, 256, 0);
      head = buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch {
    // Executable but not readable: the kernel knows better.
    return false;
  }
  return !head.includes(0) && head.subarray(0, 2).toString('latin1') !== '#!';
}
