import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A token as the kubelet mounts it: `token` → `..data/token`, and `..data` → a folder for each state. */
export interface MountedToken {
  readonly path: string;
  /** A new folder, and `..data` renamed onto it: at no time is there half a token. */
  swap(token: string): Promise<void>;
  remove(): Promise<void>;
}

export async function mountToken(token: string): Promise<MountedToken> {
  const folder = await mkdtemp(join(tmpdir(), 'mounted-token-'));
  let state = 0;
  let current: string | undefined;
  const swap = async (next: string): Promise<void> => {
    const outdated = current;
    current = `..state_${++state}`;
    await mkdir(join(folder, current));
    await writeFile(join(folder, current, 'token'), next);
    await symlink(current, join(folder, '..data_tmp'));
    await rename(join(folder, '..data_tmp'), join(folder, '..data'));
    if (outdated !== undefined) await rm(join(folder, outdated), { recursive: true });
  };
  await swap(token);
  await symlink(join('..data', 'token'), join(folder, 'token'));
  return { path: join(folder, 'token'), swap, remove: () => rm(folder, { recursive: true }) };
}
