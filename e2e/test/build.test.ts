import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';
import { createTemporaryFolder } from '../parts/temporaryFolder.ts';

const run = promisify(execFile);
const sidecar = join(import.meta.dirname, '..', '..', 'sidecar');
const temporary = createTemporaryFolder('build-');
afterAll(() => temporary.remove());

it('the sidecar is built into one file, and runs from it with no dependency beside', async () => {
  const dist = join(temporary.path, 'dist');
  mkdirSync(dist);
  await run(process.execPath, [join(sidecar, 'build.mjs'), dist]);
  cpSync(join(sidecar, 'package.json'), join(temporary.path, 'package.json'));
  const mainFile = join(dist, 'main.js');
  const help = await run(process.execPath, [mainFile, '--help']);
  expect(help.stdout).toContain('--cluster-inventory-provider-file');
  const version = await run(process.execPath, [mainFile, '--version']);
  expect(version.stdout).toMatch(/^\d+\.\d+\.\d+/);
  await expect(run(process.execPath, [mainFile], { env: {} })).rejects.toMatchObject({ code: 2 });
});

it('no character of the file is more than one byte', () => {
  const bytes = readFileSync(join(temporary.path, 'dist', 'main.js'));
  expect(bytes.every((byte) => byte < 128)).toBe(true);
});
