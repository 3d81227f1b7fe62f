import type { Patch } from '../patch.ts';

const gathered = 'sidecar/src/proxy/gatheredBody.ts';
const sharedMemory = ['sidecar/test/proxy/sharedMemory.test.ts'] as const;

/** What the process takes and gives back, and what is used by one after the other. */
export const memoryPatches: readonly Patch[] = [
  {
    id: 'what-waits-keeps-its-memory',
    rules: ['PX-22', 'PX-42'],
    file: gathered,
    breaks: 'What a slow client still has to get is overwritten by what another cluster says to others.',
    find: ' || (this.#isLent && this.#response.writableLength > 0)',
    replace: '',
    tests: sharedMemory,
  },
  {
    id: 'memory-comes-back-over-tls',
    rules: ['PX-22'],
    file: gathered,
    breaks: 'Over TLS each answer takes memory of its own.',
    find: 'if (!error) sizeOf(buffer).give(buffer);',
    replace: '',
    tests: sharedMemory,
  },
  {
    id: 'what-waits-keeps-no-more',
    rules: ['PX-22'],
    file: gathered,
    breaks: 'Each event that waits for a slow reader holds 64 KB.',
    find: 'this.#response.writableLength === 0 || this.#used > buffer.length / 2',
    replace: 'true',
    tests: sharedMemory,
  },
  {
    id: 'unread-is-copied',
    rules: ['PX-22', 'PX-42', 'ID-25'],
    file: 'sidecar/src/clusters/answerParser.ts',
    breaks: 'What is not read yet of an answer is overwritten by what another cluster says.',
    find: ': Buffer.from(rest)',
    replace: ': rest',
    tests: ['sidecar/test/proxy/endsWhileHeld.test.ts'],
  },
  {
    id: 'begun-line-is-copied',
    rules: ['PX-42'],
    file: 'sidecar/src/clusters/answerParser.ts',
    breaks: 'The beginning of a line is overwritten by what another cluster says.',
    find: ': Buffer.from(piece)',
    replace: ': piece',
    tests: sharedMemory,
  },
  {
    id: 'begun-head-is-copied',
    rules: ['PX-42'],
    file: 'sidecar/src/clusters/answerParser.ts',
    breaks: 'The beginning of a head is overwritten by what another cluster says.',
    find: ': Buffer.from(bytes.subarray(start))',
    replace: ': bytes.subarray(start)',
    tests: sharedMemory,
  },
  {
    id: 'collected-is-copied',
    rules: ['ID-25'],
    file: 'sidecar/src/clusters/collectAnswer.ts',
    breaks: 'An answer that is read here is overwritten by its own next piece.',
    find: 'Buffer.from(chunk)',
    replace: 'chunk',
    tests: ['sidecar/test/identity/forbidden.test.ts'],
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
