import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseDemoOptions } from './demoOptions.mjs';

const runFile = join(import.meta.dirname, '..', 'bootstrap', 'run.mjs');

describe('a demo that cannot start', () => {
  it('says at once that its port is taken', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(import.meta.dirname, 'main.ts'), `--port=${port}`],
      { encoding: 'utf8' },
    );
    server.close();
    expect({ status, stdout, stderr }).toEqual({
      status: 1,
      stdout: '',
      stderr: `--port ${port}: this port is taken.\n`,
    });
  });

  it('needs nothing installed for its help and for a wrong option', () => {
    const run = (...args: string[]): ReturnType<typeof spawnSync> =>
      spawnSync(process.execPath, [runFile, 'demo', ...args], { encoding: 'utf8', env: { PATH: '' } });
    const help = run('--help');
    expect(help.status).toBe(0);
    expect(help.stdout).toMatch(/^Starts a hub[^]*--port N/);
    const wrong = run('--clusters', 'many');
    expect(wrong.status).toBe(2);
    expect(wrong.stderr).toMatch(/^--clusters takes a whole number/);
  });
});

describe('parseDemoOptions', () => {
  it('has defaults, and refuses what is no port', () => {
    expect(parseDemoOptions([])).toEqual({ port: undefined, clusters: 3 });
    expect(() => parseDemoOptions(['--port', '70000'])).toThrow('--port takes a whole number');
  });
});
