import type { Patch } from '../patch.ts';

/** What the process takes and gives back. */
export const memoryPatches: readonly Patch[] = [
  {
    id: 'young-generation-is-bounded',
    rules: ['DI-40'],
    file: 'sidecar/src/main.ts',
    breaks: 'Tabs that ask leave the process a hundred megabytes larger.',
    find: '  boundYoungGeneration();\n',
    replace: '',
    tests: ['sidecar/test/inventory/size.test.ts'],
  },
];
