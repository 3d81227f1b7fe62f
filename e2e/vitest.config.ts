import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{bootstrap,dashboard,demo,mutate,parts,test}/**/*.test.ts'],
    setupFiles: ['test/removeFoldersOnTerm.ts'],
    testTimeout: 30_000,
    hookTimeout: 300_000,
    pool: 'forks',
    // Each file starts API servers of its own: several at once take longer than one after the other.
    fileParallelism: false,
  },
});
