import { describe, expect, it } from 'vitest';
import { isSameTree } from './dependencies.mjs';

const wanted = {
  '': { version: '1.0.0' },
  plugin: { version: '1.0.0' },
  'node_modules/a': { version: '1.2.3' },
  'node_modules/only-elsewhere': { version: '1.0.0', optional: true },
  'node_modules/plugin': { link: true, resolved: 'plugin' },
  'plugin/node_modules/b': { version: '2.0.0' },
};
const installed = {
  plugin: { version: '1.0.0' },
  'node_modules/a': { version: '1.2.3' },
  'node_modules/plugin': { link: true, resolved: 'plugin' },
  'plugin/node_modules/b': { version: '2.0.0' },
};

describe('isSameTree', () => {
  it('accepts what npm installed, without what is for other platforms', () => {
    expect(isSameTree(wanted, installed)).toBe(true);
  });

  it.each([
    ['a package has another version', { ...installed, 'node_modules/a': { version: '1.2.4' } }],
    ['a package is missing', { ...installed, 'plugin/node_modules/b': undefined }],
    ['a package is left over', { ...installed, 'node_modules/c': { version: '1.0.0' } }],
  ])('asks for an installation when %s', (_, tree) => {
    const there = Object.fromEntries(Object.entries(tree).filter(([, value]) => value !== undefined));
    expect(isSameTree(wanted, there as typeof installed)).toBe(false);
  });
});
