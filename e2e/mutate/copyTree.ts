import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';

/** What tests of the sidecar and the plugin read. */
const copied = ['docs', 'plugin', 'sidecar', 'package.json', 'tsconfig.base.json'];
const leftOut = new Set(['node_modules', 'dist']);

/**
 * Copies what tests run on, so that nothing is ever changed where people work. Packages are linked one by one: what
 * tools keep beside them is the copy's own.
 */
export function copyTree(root: string, target: string): void {
  for (const name of copied) {
    const filter = (path: string): boolean => !leftOut.has(basename(path));
    cpSync(join(root, name), join(target, name), { recursive: true, filter });
  }
  for (const folder of ['', 'plugin', 'sidecar']) linkPackages(join(root, folder), join(target, folder));
}

function linkPackages(from: string, to: string): void {
  const packages = join(from, 'node_modules');
  if (!existsSync(packages)) return;
  mkdirSync(join(to, 'node_modules'));
  for (const name of readdirSync(packages)) {
    if (!name.startsWith('.')) symlinkSync(join(packages, name), join(to, 'node_modules', name));
  }
}
