// Plain JavaScript: what is missing is said before anything is installed, on whatever Node there is.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  goFlags,
  goVersionNeeded,
  linkerFlags,
  moduleFileNames,
  moduleFiles,
  programNames,
  programs,
} from './partsCatalogue.mjs';

/**
 * @typedef {import('./partsCatalogue.mjs').ProgramName} ProgramName
 * @typedef {import('./partsCatalogue.mjs').ModuleFileName} ModuleFileName
 * @typedef {'KUBEBUILDER_ASSETS' | 'PATH' | 'cache' | 'built'} Origin where a program was found
 * @typedef {{ readonly path: string, readonly origin: Origin }} FoundProgram
 */

/** With the pinned go.mod and go.sum. */
export const pinnedModuleFolder = fileURLToPath(new URL('go/', import.meta.url));

/**
 * Looks for kube-apiserver, etcd and kubectl in KUBEBUILDER_ASSETS, else on PATH, else in the cache; for kwok and the
 * plugins in the cache, since their versions matter.
 * @param {NodeJS.ProcessEnv} environment
 * @param {string} [moduleFolder]
 */
export function findParts(environment, moduleFolder = pinnedModuleFolder) {
  const cache = join(resolveCacheFolder(environment), hashOfInputs(moduleFolder));
  /** @type {Map<ProgramName, FoundProgram>} */
  const found = new Map();
  for (const name of programNames) {
    const own = programs[name].ownAccepted ? findOwn(name, environment) : undefined;
    const cached = join(cache, name);
    if (own) found.set(name, own);
    else if (isExecutable(cached)) found.set(name, { path: cached, origin: 'cache' });
  }
  return {
    cache,
    found,
    missing: programNames.filter((name) => !found.has(name)),
    missingFiles: moduleFileNames.filter((name) => !existsSync(join(cache, name))),
  };
}

/**
 * Why the parts that are missing cannot be built; undefined where nothing is missing, and where Go may get a newer
 * one of itself when it is asked to build.
 * @param {NodeJS.ProcessEnv} environment
 */
export function findGoProblem(environment) {
  const { missing, missingFiles } = findParts(environment);
  if (missing.length + missingFiles.length === 0) return undefined;
  // Away from any go.mod, that it does not begin to download.
  const go = spawnSync('go', ['env', 'GOVERSION', 'GOTOOLCHAIN'], {
    cwd: tmpdir(),
    env: environment,
    encoding: 'utf8',
  });
  const [, version, toolchain = ''] = /^go(\d+\.\d+\S*).*\n(.*)/.exec(go.stdout ?? '') ?? [];
  if (version !== undefined && (isGoNewEnough(version) || !['', 'local'].includes(toolchain.trim())))
    return undefined;
  return describeMissing([...missing, ...missingFiles], version);
}

/**
 * @param {readonly (ProgramName | ModuleFileName)[]} missing
 * @param {string | undefined} goVersion
 */
export function describeMissing(missing, goVersion) {
  const needed = `${goVersionNeeded.major}.${goVersionNeeded.minor}`;
  const has = goVersion === undefined ? 'there is no go on the PATH' : `the go on the PATH is ${goVersion}`;
  const own = programNames.filter((name) => programs[name].ownAccepted && missing.includes(name));
  const lines = [
    `Missing: ${missing.join(', ')}.`,
    `They are built once with Go ${needed} or later; ${has}. Get it from https://go.dev/dl/ and start again.`,
  ];
  if (own.length > 0) {
    lines.push(
      `${own.join(', ')} may also be on the PATH or in the folder that KUBEBUILDER_ASSETS names; the others need Go.`,
    );
  }
  return lines.join('\n');
}

/** @param {string} version */
export function isGoNewEnough(version) {
  const [major = 0, minor = 0] = version.split('.').map((part) => parseInt(part, 10));
  return major > goVersionNeeded.major || (major === goVersionNeeded.major && minor >= goVersionNeeded.minor);
}

/**
 * Outside the checkout, so that a fresh clone starts warm.
 * @param {NodeJS.ProcessEnv} environment
 */
export function resolveCacheFolder(environment) {
  const own = environment['CLUSTER_INVENTORY_CACHE'];
  const base =
    own || join(environment['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'cluster-inventory-for-headlamp');
  return join(base, 'parts');
}

/** @param {string} moduleFolder */
function hashOfInputs(moduleFolder) {
  const hash = createHash('sha256');
  for (const file of ['go.mod', 'go.sum']) hash.update(readFileSync(join(moduleFolder, file)));
  hash.update(JSON.stringify([programs, moduleFiles, goFlags, linkerFlags, process.platform, process.arch]));
  return hash.digest('hex').slice(0, 16);
}

/**
 * @param {string} name
 * @param {NodeJS.ProcessEnv} environment
 * @returns {FoundProgram | undefined}
 */
function findOwn(name, environment) {
  const assets = environment['KUBEBUILDER_ASSETS'];
  if (assets && isExecutable(join(assets, name)))
    return { path: resolve(assets, name), origin: 'KUBEBUILDER_ASSETS' };
  for (const folder of (environment['PATH'] ?? '').split(delimiter)) {
    if (folder !== '' && isExecutable(join(folder, name)))
      return { path: resolve(folder, name), origin: 'PATH' };
  }
  return undefined;
}

/** @param {string} path */
export function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
