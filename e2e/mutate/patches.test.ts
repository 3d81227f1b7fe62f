import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readRules } from '../bootstrap/contractCoverage.ts';
import { root } from '../bootstrap/builds.ts';
import { patches } from './allPatches.ts';
import { applyPatch, workspaceOf } from './patch.ts';

const read = (path: string): string => readFileSync(join(root, path), 'utf8');

describe('the patches', () => {
  it('still apply, each to one place, and name tests of the same workspace', () => {
    const faults = patches.flatMap((patch) => {
      const { id, file, tests } = patch;
      const missing = tests.filter(
        (test) => !existsSync(join(root, test)) || workspaceOf(test) !== workspaceOf(file),
      );
      try {
        applyPatch(read(file), patch);
      } catch (thrown) {
        return [(thrown as Error).message];
      }
      return missing.map((test) => `${id}: ${test} is not there, or elsewhere`);
    });
    expect(faults).toEqual([]);
  });

  it('have an id each', () => {
    const ids = patches.map(({ id }) => id);
    expect(ids).toEqual([...new Set(ids)]);
  });

  it('break rules that the contracts have', () => {
    const contracts = readdirSync(join(root, 'docs/contracts'));
    const rules = new Set(contracts.flatMap((name) => readRules(read(`docs/contracts/${name}`))));
    expect(patches.flatMap((patch) => patch.rules).filter((rule) => !rules.has(rule))).toEqual([]);
  });

  it.each(['sidecar/src', 'plugin/src'])('break something in every folder of %s', (sources) => {
    const folders = readdirSync(join(root, sources), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => `${sources}/${name}/`);
    expect(folders.filter((folder) => !patches.some(({ file }) => file.startsWith(folder)))).toEqual([]);
  });
});

describe('a patch', () => {
  const patch = {
    id: 'an-id',
    rules: ['EX-01'],
    file: 'sidecar/src/a.ts',
    breaks: '',
    find: '(b)',
    replace: '$&',
    tests: ['sidecar/src/a.test.ts'],
  } as const;

  it('replaces one place, by the text as it is', () => {
    expect(applyPatch('a(b)c', patch)).toBe('a$&c');
  });

  it.each([
    ['ac', 'not there'],
    ['(b)(b)(b)', 'there 3 times'],
  ])('no longer applies to %s', (source, why) => {
    expect(() => applyPatch(source, patch)).toThrow(
      `an-id: the patch no longer applies, what it replaces in sidecar/src/a.ts is ${why}`,
    );
  });
});
