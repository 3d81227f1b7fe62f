import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './runCommand.mjs';

/**
 * Says which lock file node_modules was installed from. npm's own record of the tree does not: which optional packages
 * it leaves out differs. `npm ci` takes it away with the rest of node_modules, so that none outlives a cut-off one.
 */
const stampName = '.installed-from';

/** @param {string} root */
export function areDependenciesInstalled(root) {
  const stamp = join(root, 'node_modules', stampName);
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === hashLock(root);
}

/** @param {string} root */
function hashLock(root) {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
}

/**
 * @param {string} root
 * @param {(text: string) => void} progress
 */
export async function installDependencies(root, progress) {
  if (areDependenciesInstalled(root)) return 'up to date';
  progress('npm ci');
  let count = 0;
  await runCommand('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=http'], {
    cwd: root,
    onLine: (line) => {
      const address = /^npm http fetch GET \d+ (\S+)/.exec(line)?.[1];
      if (address === undefined) return;
      count += 1;
      progress(`npm ci: ${decodeURIComponent(new URL(address).pathname).slice(1)} (${count} downloads)`);
    },
    isNoise: (line) => line.startsWith('npm http'),
  });
  writeFileSync(join(root, 'node_modules', stampName), hashLock(root));
  return 'installed';
}
