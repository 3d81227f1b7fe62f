import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { build } from 'esbuild';

/**
 * The sidecar in one file: to find and read each module of its own and of its dependencies took half of a start. Into
 * `dist`, or the folder that is named.
 */
const [folder = join(import.meta.dirname, 'dist')] = process.argv.slice(2);

/**
 * An `import` of a module of Node reads each of its exports; of `node:http` that loads Node's own fetch and WebSocket,
 * which nothing here uses. `require` reads none.
 * @type {import('esbuild').Plugin}
 */
const requireBuiltins = {
  name: 'require-builtins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^[a-z0-9:/_]+$/, namespace: 'file' }, ({ path, kind }) =>
      kind === 'import-statement' && isBuiltin(path) ? { path, namespace: 'builtin' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)});`,
    }));
  },
};

/**
 * Express loads its parsers of bodies with the tables of all their encodings; none of its bodies is parsed here.
 * @type {import('esbuild').Plugin}
 */
const leaveOutBodyParsers = {
  name: 'leave-out-body-parsers',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^body-parser$/ }, ({ path }) => ({ path, namespace: 'left-out' }));
    onLoad({ filter: /.*/, namespace: 'left-out' }, () => ({ contents: 'module.exports = {};' }));
  },
};

await build({
  entryPoints: [join(import.meta.dirname, 'src', 'main.ts')],
  outfile: join(folder, 'main.js'),
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  sourcemap: true,
  minifyWhitespace: true,
  // One letter that is not ASCII, as in a name of a license, makes each character of the file two bytes in memory.
  legalComments: 'external',
  // What the dependencies require of Node.
  banner: { js: "const require=process.getBuiltinModule('node:module').createRequire(import.meta.url);" },
  plugins: [requireBuiltins, leaveOutBodyParsers],
  logLevel: 'warning',
});
