import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../parts/until.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hand-over-'));
  const module = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href);
  writeFileSync(
    join(folder, 'script.mjs'),
    `import { writeFileSync } from 'node:fs';
    import { createTemporaryFolder } from ${module('../parts/temporaryFolder.ts')};
    import { listenForEnd } from ${module('./listenForEnd.ts')};
    import { endGroups, spawnGroup } from ${module('./processGroups.mjs')};
    const temporary = createTemporaryFolder('hand-over-data-');
    const busy = spawnGroup('/bin/sh', ['-c', 'sleep 1000 & sleep 1000'], 'inherit', {});
    listenForEnd((code) => void endGroups().then(() => process.exit(code)));
    writeFileSync('script.pids', [process.pid, process.ppid, busy.pid, temporary.path].join(' '));
    setInterval(() => {}, 1000);`,
  );
  writeFileSync(
    join(folder, 'wrapper.mjs'),
    `import { handOver, passEndsOn } from ${module('./handOver.mjs')};
    passEndsOn();
    handOver(process.execPath, ['script.mjs'], process.env);`,
  );
  // As npm starts a script.
  writeFileSync(
    join(folder, 'npm.mjs'),
    `import { spawn } from 'node:child_process';
    const child = spawn('/bin/sh', ['-c', 'exec "$0" wrapper.mjs', process.execPath], { stdio: 'inherit' });
    process.on('SIGTERM', () => child.kill());
    child.on('exit', (code) => process.exit(code));`,
  );
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Started {
  readonly npm: ChildProcess;
  readonly script: number;
  readonly wrapper: number;
  readonly group: number;
  readonly temporary: string;
}

async function start(): Promise<Started> {
  const npm = spawn(process.execPath, ['npm.mjs'], {
    cwd: folder,
    env: { ...process.env, npm_lifecycle_event: 'demo' },
  });
  const file = join(folder, 'script.pids');
  const text = await until(() => existsSync(file) && readFileSync(file, 'utf8'), {
    timeoutMs: 10_000,
    message: 'the script runs',
  });
  const [script, wrapper, group, temporary = ''] = text.split(' ');
  return { npm, script: Number(script), wrapper: Number(wrapper), group: Number(group), temporary };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A zombie that nobody reaps has ended too.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${Math.abs(pid)}/status`, 'utf8'));
  } catch {
    return false;
  }
}

const ways: readonly (readonly [string, (started: Started) => unknown])[] = [
  ['npm is killed', ({ npm }) => npm.kill('SIGKILL')],
  ['npm is ended', ({ npm }) => npm.kill('SIGTERM')],
  ['the wrapper is killed', ({ wrapper }) => process.kill(wrapper, 'SIGKILL')],
  ['the wrapper is ended', ({ wrapper }) => process.kill(wrapper, 'SIGTERM')],
  ['the script is ended', ({ script }) => process.kill(script, 'SIGTERM')],
  ['the terminal is gone', ({ wrapper }) => process.kill(wrapper, 'SIGHUP')],
];

describe('what the wrapper started', () => {
  it.each(ways)('ends with all that it started when %s', async (_, end) => {
    const started = await start();
    const processes = [started.script, started.wrapper, started.group];
    expect(processes.map(isAlive)).toEqual([true, true, true]);
    end(started);
    await until(() => !processes.some(isAlive), { timeoutMs: 5_000, message: 'all have ended' });
    expect(existsSync(started.temporary)).toBe(false);
  });

  it('answers a Ctrl-C, that comes more than once, with 130', async () => {
    const { npm, script, wrapper } = await start();
    const exited = once(npm, 'exit');
    process.kill(wrapper, 'SIGINT');
    process.kill(script, 'SIGINT');
    expect(await exited).toEqual([130, null]);
  });
});
