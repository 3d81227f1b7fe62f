import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resolveBinaries, type Binaries } from '../parts/binaries.ts';
import { findGoProblem, findParts, resolveCacheFolder } from '../parts/findParts.mjs';
import type { GoTool } from '../parts/goBuild.ts';
import { moduleFiles } from '../parts/partsCatalogue.mjs';

let folder: string;
let built: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parts-binaries-'));
  built = [];
  mkdirSync(join(folder, 'module'));
  writeFileSync(join(folder, 'module/go.mod'), 'module example\n');
  writeFileSync(join(folder, 'module/go.sum'), '');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function writeProgram(path: string): void {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, '#!/bin/sh\n');
  chmodSync(path, 0o755);
}

/** A Go that writes an empty program, and modules that hold the files asked for. */
function createFakeGo(version: string | undefined, fail = false): () => GoTool {
  return () => ({
    readVersion: () => Promise.resolve(version),
    build: async (packagePath, output) => {
      built.push(packagePath);
      await new Promise((resolve) => setImmediate(resolve));
      writeProgram(output);
      if (fail) throw new Error('go build failed');
    },
    findModule: (module) => {
      for (const { paths } of Object.values(moduleFiles)) {
        for (const path of paths) {
          mkdirSync(join(folder, module, path, '..'), { recursive: true });
          writeFileSync(join(folder, module, path), 'kind: Any\n');
        }
      }
      return Promise.resolve(join(folder, module));
    },
  });
}

async function resolve(
  environment: NodeJS.ProcessEnv = {},
  createGo = createFakeGo('1.26.8'),
): Promise<Binaries> {
  return resolveBinaries({
    environment: { CLUSTER_INVENTORY_CACHE: join(folder, 'cache'), ...environment },
    moduleFolder: join(folder, 'module'),
    createGo,
  });
}

function originsOf({ programs }: Binaries): Record<string, string> {
  return Object.fromEntries(Object.entries(programs).map(([name, { origin }]) => [name, origin]));
}

describe('resolveBinaries', () => {
  it('prefers KUBEBUILDER_ASSETS to PATH, PATH to building, and builds kwok and the plugins always', async () => {
    for (const each of ['assets/etcd', 'path/etcd', 'path/kubectl', 'path/kwok'])
      writeProgram(join(folder, each));
    const environment = { KUBEBUILDER_ASSETS: join(folder, 'assets'), PATH: join(folder, 'path') };
    const expected = {
      etcd: 'KUBEBUILDER_ASSETS',
      kubectl: 'PATH',
      'kube-apiserver': 'built',
      kwok: 'built',
      secretreader: 'built',
      'kubeconfig-secretreader': 'built',
    };
    expect(originsOf(await resolve(environment))).toEqual(expected);
    const second = await resolve(environment, createFakeGo(undefined));
    expect(originsOf(second)).toEqual({
      ...expected,
      'kube-apiserver': 'cache',
      kwok: 'cache',
      secretreader: 'cache',
      'kubeconfig-secretreader': 'cache',
    });
    expect(existsSync(second.crdFile)).toBe(true);
    expect(existsSync(second.stagesFile)).toBe(true);
  });

  it('builds anew when the pinned modules change', async () => {
    await resolve();
    built = [];
    writeFileSync(join(folder, 'module/go.sum'), 'another\n');
    await resolve();
    expect(built).toHaveLength(6);
  });

  it('builds each once when two runs start together', async () => {
    await Promise.all([resolve(), resolve()]);
    expect(new Set(built).size).toBe(built.length);
  });

  it('leaves nothing of a failed build', async () => {
    await expect(resolve({}, createFakeGo('1.26.8', true))).rejects.toThrow('go build failed');
    const [hash = ''] = readdirSync(join(folder, 'cache/parts'));
    expect(readdirSync(join(folder, 'cache/parts', hash)).sort()).toEqual(Object.keys(moduleFiles).sort());
  });

  it('says what is missing and how to get it, without Go and with an old one', async () => {
    await expect(resolve({}, createFakeGo(undefined))).rejects.toThrow(
      /Missing: etcd, kube-apiserver, kubectl, kwok, .*\n.*Go 1\.26 or later; there is no go on the PATH.*go\.dev\/dl.*\n.*KUBEBUILDER_ASSETS/,
    );
    await expect(resolve({}, createFakeGo('1.25.3'))).rejects.toThrow('the go on the PATH is 1.25.3');
    expect(built).toEqual([]);
  });

  it('is said before anything starts, unless Go can get a newer one of itself', () => {
    const environment = { CLUSTER_INVENTORY_CACHE: join(folder, 'cache'), PATH: join(folder, 'path') };
    const putGo = (version: string, toolchain: string): void => {
      writeProgram(join(folder, 'path/go'));
      writeFileSync(join(folder, 'path/go'), `#!/bin/sh\necho ${version}\necho ${toolchain}\n`);
    };
    expect(findGoProblem(environment)).toMatch(/^Missing: etcd, .*\n.*there is no go on the PATH/);
    putGo('go1.25.3', 'local');
    expect(findGoProblem(environment)).toContain('the go on the PATH is 1.25.3');
    putGo('go1.25.3', 'auto');
    expect(findGoProblem(environment)).toBeUndefined();
    putGo('go1.26.0', 'local');
    expect(findGoProblem(environment)).toBeUndefined();
    rmSync(join(folder, 'path'), { recursive: true });
    const { cache, missing, missingFiles } = findParts(environment);
    for (const name of [...missing, ...missingFiles]) writeProgram(join(cache, name));
    expect(findGoProblem(environment)).toBeUndefined();
  });

  it('keeps its cache where the user wants it', () => {
    expect(resolveCacheFolder({ CLUSTER_INVENTORY_CACHE: '/c' })).toBe('/c/parts');
    expect(resolveCacheFolder({ XDG_CACHE_HOME: '/x' })).toBe('/x/cluster-inventory-for-headlamp/parts');
  });
});
