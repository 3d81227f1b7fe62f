import { expect, it } from 'vitest';
import { createNameTable } from './nameTable.ts';

it('PX-42: works out a name once, each spelling for itself, and forgets when there are too many', () => {
  const asked: string[] = [];
  const lookUp = createNameTable((name) => {
    asked.push(name);
    return name.toLowerCase();
  });
  for (const name of ['Accept', 'accept', 'Accept', '', 'accept', ''])
    expect(lookUp(name)).toBe(name.toLowerCase());
  expect(asked).toEqual(['Accept', 'accept', '']);

  for (let index = 0; index < 600; index++) expect(lookUp(`X-${index}`)).toBe(`x-${index}`);
  expect(lookUp('Accept')).toBe('accept');
  expect(asked.filter((name) => name === 'Accept')).toHaveLength(2);
});

it('PX-42: keeps no long name, and none that is refused', () => {
  let times = 0;
  const lookUp = createNameTable((name) => {
    times++;
    if (name === 'bad') throw new Error('refused');
    return name;
  });
  const long = 'x'.repeat(65);
  for (let round = 0; round < 3; round++) {
    expect(lookUp(long)).toBe(long);
    expect(() => lookUp('bad')).toThrow('refused');
  }
  expect(times).toBe(6);
});
