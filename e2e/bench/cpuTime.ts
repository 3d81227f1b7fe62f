import { readdirSync, readFileSync } from 'node:fs';

/** Linux says so to every program, whatever its kernel counts in. */
const ticksASecond = 100;

/** What the processes of a group have used of all cores, in milliseconds; undefined where the system does not tell. */
export function readCpuMs(group: number): number | undefined {
  let ticks: number | undefined;
  try {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      const stat = readStat(pid);
      if (Number(stat[2]) === group) ticks = (ticks ?? 0) + Number(stat[11]) + Number(stat[12]);
    }
  } catch {
    return undefined;
  }
  return ticks === undefined ? undefined : (ticks * 1000) / ticksASecond;
}

/** The fields behind the command's name, which may hold anything. */
function readStat(pid: string): string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}
