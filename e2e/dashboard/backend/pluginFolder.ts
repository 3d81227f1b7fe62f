import { cp, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface PluginEntry {
  path: string;
  type: 'development';
  name: string;
}

/** The plugins of a `-plugins-dir`: its folders that hold a `main.js` and a `package.json`. */
export async function listPlugins(pluginDir: string | undefined): Promise<PluginEntry[]> {
  if (pluginDir === undefined) return [];
  const entries = await readdir(pluginDir, { withFileTypes: true }).catch(() => []);
  const plugins: PluginEntry[] = [];
  for (const { name } of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const files = await Promise.all(
      ['main.js', 'package.json'].map((file) => isFile(join(pluginDir, name, file))),
    );
    if (files.every(Boolean)) plugins.push({ path: `plugins/${name}`, type: 'development', name });
  }
  return plugins;
}

/** Puts a built plugin where a `-plugins-dir` wants it: a folder of the plugin's name. */
export async function installPlugin(options: {
  distDir: string;
  pluginDir: string;
  name: string;
}): Promise<void> {
  await cp(options.distDir, join(options.pluginDir, options.name), { recursive: true });
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}
