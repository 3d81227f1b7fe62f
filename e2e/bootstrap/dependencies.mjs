import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './runCommand.mjs';

/**
 * Whether what is installed is what package-lock.json says, by the record that npm itself leaves in node_modules.
 * @param {string} root
 */
export function areDependenciesInstalled(root) {
  const record = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(record) || !existsSync(join(root, 'node_modules/.bin/node'))) return false;
  try {
    return isSameTree(readPackages(join(root, 'package-lock.json')), readPackages(record));
  } catch {
    // Cut off in the middle of being written: installed anew.
    return false;
  }
}

/** @typedef {Readonly<Record<string, { version?: string, optional?: boolean, link?: boolean, resolved?: string }>>} Packages */

/**
 * @param {string} file
 * @returns {Packages}
 */
function readPackages(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages;
}

/**
 * Packages for other platforms are optional, and not there.
 * @param {Packages} wanted
 * @param {Packages} installed
 */
export function isSameTree(wanted, installed) {
  const inModules = Object.entries(wanted).filter(([path]) => path.includes('node_modules/'));
  return (
    inModules.every(([path, { version, optional, link }]) => {
      const there = installed[path];
      if (!there) return optional === true;
      return there.version === version && there.link === link;
    }) && Object.keys(installed).every((path) => path in wanted)
  );
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
  return 'installed';
}
