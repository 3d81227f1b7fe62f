import { expect, it } from 'vitest';
import { BoundedMap } from './boundedMap.ts';

it('drops what was not used for longest', () => {
  const map = new BoundedMap<string, number>(2);
  map.set('a', 1);
  map.set('b', 2);
  expect(map.get('a')).toBe(1);
  map.set('c', 3);
  expect([map.get('a'), map.get('b'), map.get('c'), map.size]).toEqual([1, undefined, 3, 2]);
});

it('sets again without dropping another, and counts that as a use', () => {
  const map = new BoundedMap<string, number>(2);
  map.set('a', 1);
  map.set('b', 2);
  map.set('a', 3);
  expect([map.get('b'), map.size]).toEqual([2, 2]);
  map.set('a', 4);
  map.set('c', 5);
  expect([map.get('a'), map.get('b'), map.get('c')]).toEqual([4, undefined, 5]);
});

it('forgets what is deleted', () => {
  const map = new BoundedMap<string, number>(2);
  map.set('a', 1);
  map.delete('a');
  expect([map.get('a'), map.size]).toEqual([undefined, 0]);
});
