/** One rule broken at one place of the sources, and the tests that have to notice. Paths are from the repository. */
export interface Patch {
  readonly id: string;
  /** Of docs/contracts. */
  readonly rules: readonly [string, ...string[]];
  readonly file: string;
  /** What no longer holds, in a sentence. */
  readonly breaks: string;
  /** Stands once in the file; short, so that it survives changes around it. */
  readonly find: string;
  readonly replace: string;
  /** Of one workspace; the quickest that prove the rule. */
  readonly tests: readonly [string, ...string[]];
}

/** @throws Error where the patch does not say one place of the source */
export function applyPatch(source: string, { id, file, find, replace }: Patch): string {
  const [before, after, ...more] = source.split(find);
  if (before === undefined || after === undefined || more.length > 0) {
    const found = after === undefined ? 'not there' : `there ${more.length + 1} times`;
    throw new Error(`${id}: the patch no longer applies, what it replaces in ${file} is ${found}`);
  }
  return before + replace + after;
}

/** Where vitest runs: the first folder of a path. */
export function workspaceOf(path: string): string {
  return path.split('/', 1)[0] ?? '';
}
