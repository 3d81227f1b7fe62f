import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { areDependenciesInstalled, installDependencies } from './dependencies.mjs';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'dependencies-'));
  writeFileSync(join(root, 'package-lock.json'), '{"lockfileVersion":3}');
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true, force: true });
});

/** An npm that leaves what `npm ci` would: node_modules anew. */
function putNpm(script: string): void {
  const bin = join(root, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, 'npm'), `#!/bin/sh\nrm -rf node_modules; mkdir node_modules\n${script}\n`);
  chmodSync(join(bin, 'npm'), 0o755);
  vi.stubEnv('PATH', `${bin}${delimiter}${process.env['PATH'] ?? ''}`);
}

const install = (): Promise<string> => installDependencies(root, () => undefined);

describe('dependencies', () => {
  it('are installed once for each lock file', async () => {
    putNpm('exit 0');
    expect(await install()).toBe('installed');
    expect(await install()).toBe('up to date');
    writeFileSync(join(root, 'package-lock.json'), '{"lockfileVersion":3,"packages":{}}');
    expect(await install()).toBe('installed');
  });

  it('are installed again after an installation that failed', async () => {
    putNpm('exit 0');
    await install();
    writeFileSync(join(root, 'package-lock.json'), '{}');
    putNpm('exit 1');
    await expect(install()).rejects.toThrow('exit code 1');
    expect(existsSync(join(root, 'node_modules'))).toBe(true);
    expect(areDependenciesInstalled(root)).toBe(false);
  });
});
