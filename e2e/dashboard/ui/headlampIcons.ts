import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Plugin } from 'vite';

const MODULE_ID = 'virtual:headlamp-icons';
const require = createRequire(import.meta.url);

/**
 * Bundles the Material Design icons that Headlamp's own code names, and no others: Headlamp ships its icons
 * in the same way, so a plugin that names another one makes the browser ask a foreign origin, here as there
 * (UI-24).
 */
export function headlampIcons(): Plugin {
  return {
    name: MODULE_ID,
    resolveId: (id) => (id === MODULE_ID ? `\0${MODULE_ID}` : undefined),
    load: (id) => (id === `\0${MODULE_ID}` ? buildCollectionModule() : undefined),
  };
}

function buildCollectionModule(): string {
  const library = join(dirname(require.resolve('@kinvolk/headlamp-plugin/package.json')), 'lib');
  const icons = Object.fromEntries(namesUsedIn(library).map((name) => [name, readIcon(name)]));
  return `export default ${JSON.stringify({ prefix: 'mdi', width: 24, height: 24, icons })};`;
}

function namesUsedIn(folder: string): string[] {
  const names = new Set<string>();
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.js')) continue;
    for (const match of readFileSync(join(folder, file), 'utf8').matchAll(/['"`]mdi:([a-z0-9-]+)['"`]/g)) {
      names.add(match[1] ?? '');
    }
  }
  return [...names].sort();
}

function readIcon(name: string): unknown {
  const icon = require(`@iconify/icons-mdi/${name}.js`) as { default: unknown };
  return icon.default;
}
