import { defineConfig } from 'vite';
import svgr from 'vite-plugin-svgr';
import { headlampIcons } from './headlampIcons.ts';

/** Relative URLs (`./assets/…`): the server rewrites them when there is a base URL, as Headlamp's does. */
export default defineConfig({
  root: import.meta.dirname,
  base: './',
  define: { global: 'globalThis', 'import.meta.env.UNDER_TEST': 'false' },
  // The editor without the services of languages that no page of Headlamp edits.
  resolve: {
    alias: [{ find: /^monaco-editor$/, replacement: 'monaco-editor/esm/vs/editor/edcore.main.js' }],
  },
  esbuild: { jsx: 'automatic' },
  plugins: [
    headlampIcons(),
    svgr({
      include: '**/*.svg?react',
      svgrOptions: { titleProp: true, ref: true, svgo: false, prettier: false },
    }),
  ],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    minify: 'esbuild',
    sourcemap: false,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 20_000,
    // Headlamp's translations are loaded by language, from a path put together at run time.
    dynamicImportVarsOptions: { exclude: [] },
    rollupOptions: {
      maxParallelFileOps: 200,
      // Thousands of modules say "use client", which is for servers that render React.
      onwarn(warning, warn) {
        if (warning.code !== 'MODULE_LEVEL_DIRECTIVE') warn(warning);
      },
    },
  },
});
