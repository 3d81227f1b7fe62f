import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';

const module = new URL('./compilers.ts', import.meta.url).href;

/** Which compilers V8 has make a function fast that is often called. */
function compilersOf(prepare: string): Set<string> {
  const program = `
    import { compileInOneStep } from ${JSON.stringify(module)};
    ${prepare}
    function oftenCalled(i) {
      let sum = 0;
      for (let k = 0; k < 50; k++) sum += (k % 7) + Math.sqrt(i);
      return sum;
    }
    const end = performance.now() + 300;
    for (let i = 0; performance.now() < end; i++) oftenCalled(i);`;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--trace-opt', '--input-type=module', '--eval', program],
    {
      encoding: 'utf8',
    },
  );
  // Where V8 says that it knows no such flag.
  expect(stderr).toBe('');
  const lines = stdout
    .split('\n')
    .filter((line) => line.startsWith('[compiling') && line.includes('oftenCalled'));
  return new Set(lines.flatMap((line) => /target (\w+)/.exec(line)?.[1] ?? []));
}

it('fast code is made in one step', () => {
  expect(compilersOf('compileInOneStep();')).toEqual(new Set(['TURBOFAN_JS']));
});

it('which V8 does not by itself', () => {
  expect(compilersOf('')).toContain('MAGLEV');
});
