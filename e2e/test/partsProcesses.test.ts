import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startDaemon } from '../parts/processes.ts';
import { startSidecar } from '../parts/sidecar.ts';
import { until } from '../parts/until.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parts-processes-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const processesModule = new URL('../parts/processes.ts', import.meta.url).href;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // A zombie that nobody reaps has ended too.
  return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
}

/** What a daemon printed as `<name>=<pid>`. */
async function readPid(log: string, name: string): Promise<number> {
  return until(
    () => Number(new RegExp(`${name}=(\\d+)`).exec(readFileSync(log, 'utf8'))?.[1] ?? 0) || undefined,
    {
      timeoutMs: 10_000,
      message: `pid of ${name}`,
    },
  );
}

/** A daemon with a child that takes no notice of TERM. */
const stubborn = `sh -c 'trap "" TERM; echo grandchild=$$; while :; do sleep 1; done' & echo child=$$; wait`;

describe('startDaemon', () => {
  it('ends the whole group when asked to, also what ignores TERM', async () => {
    const daemon = startDaemon({
      name: 'stubborn',
      command: '/bin/sh',
      args: ['-c', stubborn],
      logFolder: folder,
    });
    const pids = [await readPid(daemon.logFile, 'child'), await readPid(daemon.logFile, 'grandchild')];
    expect(pids.map(isAlive)).toEqual([true, true]);
    await daemon.stop({ graceMs: 100 });
    await until(() => !pids.some(isAlive), { timeoutMs: 5_000, message: 'the group has ended' });
    expect(daemon.assertRunning).not.toThrow();
  });

  it('ends the whole group when our process is killed', async () => {
    const script = `
      import { startDaemon } from ${JSON.stringify(processesModule)};
      startDaemon({ name: 'stubborn', command: '/bin/sh', args: ['-c', ${JSON.stringify(stubborn)}], logFolder: ${JSON.stringify(folder)} });
      setInterval(() => {}, 1000);`;
    const parent = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
      stdio: 'inherit',
    });
    const log = join(folder, 'stubborn.log');
    await until(() => readFileSync(log), { timeoutMs: 10_000, message: 'the daemon has a log' });
    const pids = [await readPid(log, 'child'), await readPid(log, 'grandchild')];
    expect(pids.map(isAlive)).toEqual([true, true]);
    parent.kill('SIGKILL');
    await until(() => !pids.some(isAlive), { timeoutMs: 10_000, message: 'the group has ended' });
  });

  it('says what a daemon that ended had to say', async () => {
    const daemon = startDaemon({
      name: 'brief',
      command: '/bin/sh',
      args: ['-c', 'echo no room >&2; exit 3'],
      logFolder: folder,
    });
    const problem = await until(
      () => {
        try {
          daemon.assertRunning();
          return undefined;
        } catch (error) {
          return String(error);
        }
      },
      { timeoutMs: 5_000, message: 'the daemon ends' },
    );
    expect(problem).toContain('brief ended (exit code 3)');
    expect(problem).toContain('no room');
    await daemon.stop();
  });

  it('gives a daemon none of our environment', async () => {
    process.env['PARTS_SECRET'] = 'seen';
    const daemon = startDaemon({
      name: 'env',
      command: '/usr/bin/env',
      args: [],
      logFolder: folder,
      env: { OWN: '1' },
    });
    await until(() => readFileSync(daemon.logFile, 'utf8').includes('OWN=1'), {
      timeoutMs: 5_000,
      message: 'env prints',
    });
    expect(readFileSync(daemon.logFile, 'utf8')).not.toContain('PARTS_SECRET');
    await daemon.stop();
    delete process.env['PARTS_SECRET'];
  });
});

describe('startSidecar', () => {
  it('does not wait for a sidecar that has ended', async () => {
    const start = performance.now();
    await expect(
      startSidecar({
        providerFile: join(folder, 'absent.json'),
        kubeconfigFile: join(folder, 'absent.kubeconfig'),
        dashboardUrl: 'http://127.0.0.1:1',
        logFolder: folder,
      }),
    ).rejects.toThrow(/^sidecar ended \(exit code \d+\)/);
    expect(performance.now() - start).toBeLessThan(15_000);
  });
});
