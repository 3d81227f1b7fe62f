import { appendFileSync, writeFileSync } from 'node:fs';

export interface PodLogs {
  stop(): void;
}

/**
 * Keeps a container log in the CRI's format growing: lines of the last minute at once, then one each interval.
 * Numbered, so that a test sees whether one is missing.
 */
export function writePodLogs(file: string, containerName: string, intervalMs: number): PodLogs {
  let count = 0;
  const line = (time: Date): string => {
    count += 1;
    return `${time.toISOString()} stdout F ${containerName}: request ${count} served in ${3 + ((count * 7) % 19)} ms\n`;
  };
  const now = Date.now();
  const earlier = Array.from({ length: 20 }, (_, index) => line(new Date(now - (20 - index) * 3_000)));
  writeFileSync(file, earlier.join(''), { mode: 0o644 });
  const timer = setInterval(() => appendFileSync(file, line(new Date())), intervalMs);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}
