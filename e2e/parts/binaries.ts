import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withFileLock } from './fileLock.ts';
import {
  describeMissing,
  findParts,
  isExecutable,
  isGoNewEnough,
  pinnedModuleFolder,
  type FoundProgram,
} from './findParts.mjs';
import { createGoTool, type GoTool } from './goBuild.ts';
import { moduleFiles, programs, type ModuleFileName, type ProgramName } from './partsCatalogue.mjs';
import { silent, type Progress } from './progress.ts';

export interface Binaries {
  readonly programs: Readonly<Record<ProgramName, FoundProgram>>;
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

/** What findParts finds; what is missing is built once with Go, by one run at a time. */
export async function resolveBinaries({
  environment = process.env,
  progress = silent,
  moduleFolder = pinnedModuleFolder,
  createGo = createGoTool,
}: ResolveBinariesOptions = {}): Promise<Binaries> {
  const { cache, found, missing, missingFiles } = findParts(environment, moduleFolder);
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

async function assertGo(go: GoTool, missing: readonly (ProgramName | ModuleFileName)[]): Promise<void> {
  const version = await go.readVersion();
  if (version === undefined || !isGoNewEnough(version)) throw new Error(describeMissing(missing, version));
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
