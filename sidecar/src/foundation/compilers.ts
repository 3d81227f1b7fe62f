import { setFlagsFromString } from 'node:v8';

/**
 * Has V8 make its fast code in one step, and of one function at a time. A compiler in between, and four functions at
 * once, take memory that stays with the process when they are done, for no less CPU under load.
 */
export function compileInOneStep(): void {
  setFlagsFromString('--no-maglev');
  setFlagsFromString('--concurrent-turbofan-max-threads=1');
}
