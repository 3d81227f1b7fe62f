import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface DemoLock {
  /** Says to the next one where this one runs. */
  tell(url: string): void;
  release(): void;
}

interface Owner {
  readonly pid: number;
  /** Tells it from a later process with the same pid. */
  readonly startTime: string | undefined;
  readonly url?: string;
}

export const lockName = 'lock';

/**
 * Keeps a folder to one demo; the lock of one that is gone is taken over.
 * @throws Error that says in one sentence where the other one runs
 */
export function takeDemoLock(folder: string): DemoLock {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, lockName);
  const self: Owner = { pid: process.pid, startTime: readStartTime(process.pid) };
  if (!create(file, self)) {
    const owner = readOwner(file);
    if (owner && isRunning(owner)) throw new Error(describe(owner));
    rmSync(file, { force: true });
    if (!create(file, self)) throw new Error('Another demo of this clone is being started at this moment.');
  }
  return {
    tell: (url) => writeFileSync(file, JSON.stringify({ ...self, url })),
    release: () => rmSync(file, { force: true }),
  };
}

function create(file: string, owner: Owner): boolean {
  try {
    writeFileSync(file, JSON.stringify(owner), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

function readOwner(file: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Owner;
  } catch {
    return undefined;
  }
}

function isRunning({ pid, startTime }: Owner): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false;
  }
  return readStartTime(pid) === startTime;
}

/** undefined where there is no /proc. */
function readStartTime(pid: number): string | undefined {
  try {
    // The 22nd field; the second, in parentheses, may hold anything.
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[19];
  } catch {
    return undefined;
  }
}

function describe({ pid, url }: Owner): string {
  const where = url === undefined ? 'is being started already' : `runs already, at ${url}`;
  return `A demo of this clone ${where} (process ${pid}): end it first, or start this one in another clone.`;
}
