import type { Patch } from '../patch.ts';

/** What the process takes and gives back. */
export const memoryPatches: readonly Patch[] = [
  {
    id: 'list-keeps-young-generation',
    rules: ['DI-40'],
    file: 'sidecar/src/foundation/youngGeneration.ts',
    breaks: 'Each list leaves the process tens of megabytes larger.',
    find: 'holders > 0 || isEnough ? 1 : 2',
    replace: '2',
    tests: ['sidecar/test/inventory/size.test.ts'],
  },
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
