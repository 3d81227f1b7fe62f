import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { killGroups } from '../bootstrap/processGroups.mjs';

export interface TemporaryFolder {
  readonly path: string;
  remove(): void;
}

const folders = new Set<string>();

/** A folder that goes, at the latest, when our process ends; with those who may be writing there. */
export function createTemporaryFolder(prefix: string): TemporaryFolder {
  if (folders.size === 0) process.once('exit', removeTemporaryFolders);
  const path = mkdtempSync(join(tmpdir(), prefix));
  folders.add(path);
  return {
    path,
    remove: () => {
      rmSync(path, removal);
      folders.delete(path);
      if (folders.size === 0) process.off('exit', removeTemporaryFolders);
    },
  };
}

// Retried, since what is being killed may still add a file.
const removal = { recursive: true, force: true, maxRetries: 5, retryDelay: 50 } as const;

/** For who ends in a way that is no exit, e.g. by a signal. */
export function removeTemporaryFolders(): void {
  killGroups();
  for (const path of folders) rmSync(path, removal);
}
