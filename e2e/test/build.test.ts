import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const run = promisify(execFile);
const sidecar = join(import.meta.dirname, '..', '..', 'sidecar');

it('the sidecar is built with declarations, and runs from what was built', async () => {
  // Beside its dependencies, as it is shipped.
  const folder = mkdtempSync(join(sidecar, 'dist-'));
  try {
    const compiler = join(sidecar, '..', 'node_modules', 'typescript', 'bin', 'tsc');
    await run(process.execPath, [
      compiler,
      '-p',
      join(sidecar, 'tsconfig.build.json'),
      '--outDir',
      join(folder, 'dist'),
    ]);
    expect(existsSync(join(folder, 'dist/main.d.ts'))).toBe(true);
    const help = await run(process.execPath, [join(folder, 'dist/main.js'), '--help']);
    expect(help.stdout).toContain('--cluster-inventory-provider-file');
    const withoutProviders = run(process.execPath, [join(folder, 'dist/main.js')], { env: {} });
    await expect(withoutProviders).rejects.toMatchObject({ code: 2 });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
