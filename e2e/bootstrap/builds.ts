import { createHash, type Hash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from './runCommand.mjs';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Builds the plugin into plugin/dist, unless what is there was built from the same sources. */
export function buildPlugin(progress: (text: string) => void): Promise<string> {
  return buildOnce({
    name: 'plugin',
    args: ['run', 'build', '-w', 'plugin'],
    inputs: ['plugin', 'sidecar/src/api', 'package-lock.json'],
    result: 'plugin/dist/main.js',
    progress,
  });
}

/** Builds Headlamp's UI into e2e/dashboard/ui/dist, unless what is there was built from the same sources. */
export function buildDashboardUi(progress: (text: string) => void): Promise<string> {
  return buildOnce({
    name: 'dashboard-ui',
    args: ['run', 'build:ui', '-w', 'e2e'],
    inputs: ['e2e/dashboard/ui', 'package-lock.json'],
    result: 'e2e/dashboard/ui/dist/index.html',
    progress,
  });
}

interface Build {
  readonly name: string;
  /** Of npm. */
  readonly args: readonly string[];
  /** Files and folders, relative to the repository. */
  readonly inputs: readonly string[];
  /** A file that a finished build leaves. */
  readonly result: string;
  readonly progress: (text: string) => void;
}

async function buildOnce({ name, args, inputs, result, progress }: Build): Promise<string> {
  const stampFolder = join(root, 'node_modules/.cache/cluster-inventory');
  const stamp = join(stampFolder, `${name}.inputs`);
  const hash = createHash('sha256');
  for (const input of inputs) addToHash(hash, input);
  const digest = hash.digest('hex');
  if (existsSync(join(root, result)) && existsSync(stamp) && readFileSync(stamp, 'utf8') === digest)
    return 'up to date';
  // What a build that is cut off leaves is no result of any sources.
  rmSync(stamp, { force: true });
  await runCommand('npm', args, { cwd: root, onLine: progress });
  mkdirSync(stampFolder, { recursive: true });
  writeFileSync(stamp, digest);
  return 'built';
}

const notInputs = new Set(['dist', 'node_modules']);

function addToHash(hash: Hash, path: string): void {
  const entries = readEntries(path);
  if (entries === undefined) return;
  if (entries === 'file') {
    hash.update(`${path}\0`).update(readFileSync(join(root, path)));
    return;
  }
  for (const name of entries) if (!notInputs.has(name)) addToHash(hash, `${path}/${name}`);
}

function readEntries(path: string): 'file' | readonly string[] | undefined {
  try {
    return readdirSync(join(root, path)).sort();
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOTDIR' ? 'file' : undefined;
  }
}
