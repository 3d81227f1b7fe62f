import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withFileLock } from './fileLock.ts';
import { createGoTool, isGoNewEnough, type GoTool } from './goBuild.ts';
import {
  goFlags,
  goVersionNeeded,
  linkerFlags,
  moduleFileNames,
  moduleFiles,
  programNames,
  programs,
  type ModuleFileName,
  type ProgramName,
} from './partsCatalogue.ts';
import { silent, type Progress } from './progress.ts';

/** Where a program was found. */
export type Origin = 'KUBEBUILDER_ASSETS' | 'PATH' | 'cache' | 'built';

export interface Binaries {
  readonly programs: Readonly<Record<ProgramName, { readonly path: string; readonly origin: Origin }>>;
  /** The CRD of ClusterProfile, YAML. */
  readonly crdFile: string;
  /** kwok's Stage documents, YAML. */
  readonly stagesFile: string;
}

export interface ResolveBinariesOptions {
  readonly environment?: NodeJS.ProcessEnv;
  readonly progress?: Progress;
  /** The folder with the pinned go.mod and go.sum. */
  readonly moduleFolder?: string;
  readonly createGo?: typeof createGoTool;
}

/**
 * Finds kube-apiserver, etcd and kubectl in KUBEBUILDER_ASSETS, else on PATH, else in the cache; kwok and the plugins
 * in the cache, since their versions matter. What is missing is built once with Go, by one run at a time.
 */
export async function resolveBinaries({
  environment = process.env,
  progress = silent,
  moduleFolder = fileURLToPath(new URL('go/', import.meta.url)),
  createGo = createGoTool,
}: ResolveBinariesOptions = {}): Promise<Binaries> {
  const cache = join(resolveCacheFolder(environment), hashOfInputs(moduleFolder));
  const found = new Map<ProgramName, { path: string; origin: Origin }>();
  for (const name of programNames) {
    const own = programs[name].ownAccepted ? findOwn(name, environment) : undefined;
    const cached = join(cache, name);
    if (own) found.set(name, own);
    else if (isExecutable(cached)) found.set(name, { path: cached, origin: 'cache' });
  }
  const missing = programNames.filter((name) => !found.has(name));
  const missingFiles = moduleFileNames.filter((name) => !existsSync(join(cache, name)));
  if (missing.length > 0 || missingFiles.length > 0) {
    const go = createGo(moduleFolder, environment);
    await assertGo(go, missing.length > 0 ? missing : missingFiles);
    const onWait = (pid: number): void =>
      progress(`waiting for another run that is building (process ${pid})`);
    await withFileLock(join(cache, 'lock'), onWait, async () => {
      for (const name of missingFiles) await takeModuleFile(go, name, join(cache, name), progress);
      for (const [index, name] of missing.entries()) {
        const label = `${name} (${index + 1} of ${missing.length})`;
        await buildProgram(go, name, join(cache, name), (text) => progress(`${label}: ${text}`));
        found.set(name, { path: join(cache, name), origin: 'built' });
      }
    });
  }
  return {
    programs: Object.fromEntries(found) as Binaries['programs'],
    crdFile: join(cache, 'clusterprofiles.crd.yaml' satisfies ModuleFileName),
    stagesFile: join(cache, 'kwok-stages.yaml' satisfies ModuleFileName),
  };
}

/** Whether this run had to build any. */
export function describeBinaries({ programs }: Binaries): string {
  return Object.values(programs).some(({ origin }) => origin === 'built') ? 'built' : 'up to date';
}

/** Outside the checkout, so that a fresh clone starts warm. */
export function resolveCacheFolder(environment: NodeJS.ProcessEnv): string {
  const own = environment['CLUSTER_INVENTORY_CACHE'];
  const base =
    own || join(environment['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'cluster-inventory-for-headlamp');
  return join(base, 'parts');
}

function hashOfInputs(moduleFolder: string): string {
  const hash = createHash('sha256');
  for (const file of ['go.mod', 'go.sum']) hash.update(readFileSync(join(moduleFolder, file)));
  hash.update(JSON.stringify([programs, moduleFiles, goFlags, linkerFlags, process.platform, process.arch]));
  return hash.digest('hex').slice(0, 16);
}

function findOwn(name: string, environment: NodeJS.ProcessEnv): { path: string; origin: Origin } | undefined {
  const assets = environment['KUBEBUILDER_ASSETS'];
  if (assets && isExecutable(join(assets, name)))
    return { path: join(assets, name), origin: 'KUBEBUILDER_ASSETS' };
  for (const folder of (environment['PATH'] ?? '').split(delimiter)) {
    if (folder !== '' && isExecutable(join(folder, name)))
      return { path: join(folder, name), origin: 'PATH' };
  }
  return undefined;
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

async function assertGo(go: GoTool, missing: readonly string[]): Promise<void> {
  const version = await go.readVersion();
  if (version !== undefined && isGoNewEnough(version)) return;
  const needed = `${goVersionNeeded.major}.${goVersionNeeded.minor}`;
  const own = missing.filter((name) => name in programs && programs[name as ProgramName].ownAccepted);
  throw new Error(
    [
      `Missing: ${missing.join(', ')}.`,
      `They are built once with Go ${needed} or later; ${version === undefined ? 'there is no go on the PATH' : `the go on the PATH is ${version}`}. Get it from https://go.dev/dl/ and start again.`,
      ...(own.length > 0
        ? [
            `${own.join(', ')} may also be on the PATH or in the folder that KUBEBUILDER_ASSETS names; the others need Go.`,
          ]
        : []),
    ].join('\n'),
  );
}

async function buildProgram(go: GoTool, name: ProgramName, path: string, progress: Progress): Promise<void> {
  // The run that had the lock before us may have built it.
  if (isExecutable(path)) return;
  const unfinished = `${path}.${process.pid}`;
  try {
    progress('go build');
    await go.build(programs[name].package, unfinished, progress);
    renameSync(unfinished, path);
  } finally {
    rmSync(unfinished, { force: true });
  }
}

async function takeModuleFile(
  go: GoTool,
  name: ModuleFileName,
  path: string,
  progress: Progress,
): Promise<void> {
  const { module, paths } = moduleFiles[name];
  progress(`downloading ${module}`);
  const folder = await go.findModule(module, progress);
  mkdirSync(join(path, '..'), { recursive: true });
  const unfinished = `${path}.${process.pid}`;
  writeFileSync(unfinished, paths.map((each) => readFileSync(join(folder, each), 'utf8')).join('\n---\n'));
  renameSync(unfinished, path);
}
