import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface BuiltSidecar {
  readonly mainFile: string;
  remove(): void;
}

/** The sidecar as it is shipped: what starts from sources also has types to take away. */
export async function buildSidecar(): Promise<BuiltSidecar> {
  const workspace = join(import.meta.dirname, '..', '..', 'sidecar');
  const folder = mkdtempSync(join(workspace, 'dist-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  await promisify(execFile)(process.execPath, [join(workspace, 'build.mjs'), join(folder, 'dist')]);
  return {
    mainFile: join(folder, 'dist', 'main.js'),
    remove: () => {
      process.off('exit', remove);
      remove();
    },
  };
}
