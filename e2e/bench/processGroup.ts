import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** All of it as Linux tells; what it does not tell, or where another system runs, is undefined or none. */

/** Linux says so to every program, whatever its kernel counts in. */
const ticksASecond = 100;
const pageBytes = 4096;

/** What the processes of a group have used of all cores, in milliseconds. */
export function readCpuMs(group: number): number | undefined {
  const used = listGroup(group).map(({ stat }) => Number(stat[11]) + Number(stat[12]));
  return used.length === 0 ? undefined : (sum(used) * 1000) / ticksASecond;
}

/** The resident memory of the group's largest process: others of it are shells. */
export function readRssBytes(group: number): number | undefined {
  const sizes = listGroup(group).map(({ stat }) => Number(stat[21]) * pageBytes);
  return sizes.length === 0 ? undefined : Math.max(...sizes);
}

export function countDescriptors(group: number): number {
  return sum(listGroup(group).map(({ pid }) => listDescriptors(pid).length));
}

/** How many descriptors of the group are sockets to this port of any address. */
export function countSocketsTo(group: number, port: number): number {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const inodes = new Set<string>();
  for (const file of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of readText(file).split('\n')) {
      const [, , remote, , , , , , , inode] = line.trim().split(/\s+/);
      if (remote?.endsWith(wanted) && inode !== undefined) inodes.add(`socket:[${inode}]`);
    }
  }
  if (inodes.size === 0) return 0;
  const held = listGroup(group).flatMap(({ pid }) => listDescriptors(pid));
  return held.filter((each) => inodes.has(each)).length;
}

interface Member {
  readonly pid: string;
  /** The fields behind the command's name, which may hold anything. */
  readonly stat: readonly string[];
}

function listGroup(group: number): Member[] {
  return listFolder('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      const text = readText(`/proc/${pid}/stat`);
      return { pid, stat: text.slice(text.lastIndexOf(')') + 2).split(' ') };
    })
    .filter(({ stat }) => Number(stat[2]) === group);
}

function listDescriptors(pid: string): string[] {
  return listFolder(`/proc/${pid}/fd`).map((name) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${name}`);
    } catch {
      // Closed since.
      return '';
    }
  });
}

function listFolder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((all, each) => all + each, 0);
}
