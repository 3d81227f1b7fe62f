import { expect, it } from 'vitest';
import { createNameLabels } from './nameLabels.ts';

const names = Array.from({ length: 500 }, (_, index) => `name-${index}`);

it('[TH-46] names past the bound are one label, however many there are', () => {
  const labels = createNameLabels();
  expect(new Set([...names, ...names].map((name) => labels.labelOf(name))).size).toBe(101);
  expect(labels.labelOf('name-0')).toBe('name-0');
  expect(labels.labelOf('name-499')).toBe('other');
});

it('names that are gone make room, and what stood for the rest ends with the last of it', () => {
  const labels = createNameLabels(2);
  expect(names.slice(0, 3).map((name) => labels.labelOf(name))).toEqual(['name-0', 'name-1', 'other']);
  expect(labels.keepOnly(new Set(names.slice(0, 3)))).toEqual([]);
  expect(labels.keepOnly(new Set(['name-0', 'name-2']))).toEqual(['name-1']);
  expect(labels.labelOf('name-2')).toBe('name-2');
  expect(labels.keepOnly(new Set(['name-0', 'name-2']))).toEqual(['other']);
  expect(labels.keepOnly(new Set())).toEqual(['name-0', 'name-2']);
});
