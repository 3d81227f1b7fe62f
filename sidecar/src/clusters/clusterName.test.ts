import { expect, it } from 'vitest';
import { buildProfileKey } from '../inventory/profileKey.ts';
import { buildClusterName, guessProfile } from './clusterName.ts';

it('[DI-30] names are the key with -- and __, and twelve digits of its SHA-256', () => {
  expect(buildClusterName(buildProfileKey('store/kind-headlamp-ci-hub', 'default', 'workload-1'))).toBe(
    'cluster-inventory-store--kind-headlamp-ci-hub--default--workload-1--64f958ab98d6',
  );
  expect(buildClusterName(buildProfileKey('in-cluster', 'default', 'spoke-a'))).toMatch(
    /^cluster-inventory-in-cluster--default--spoke-a--dbdb0aa95e5d$/,
  );
  expect(buildClusterName(buildProfileKey('store/my hub', 'default', 'a'))).toMatch(
    /^cluster-inventory-store--my__hub--default--a--/,
  );
});

it('[TH-25] keys that look alike once replaced keep names of their own', () => {
  const names = ['c/a-b', 'c-a/b', 'c/a--b', 'c--a/b'].map((path) => {
    const [namespace = '', name = ''] = path.split('/');
    return buildClusterName(buildProfileKey('in-cluster', namespace, name));
  });
  expect(new Set(names).size).toBe(names.length);
});

it.each([
  [buildClusterName(buildProfileKey('store/my hub', 'fleet', 'a-b')), { namespace: 'fleet', name: 'a-b' }],
  [buildClusterName(buildProfileKey('in-cluster', 'fleet', 'a')), { namespace: 'fleet', name: 'a' }],
  ['cluster-inventory-x', { namespace: '', name: '' }],
  ['cluster-inventory-', { namespace: '', name: '' }],
])('ID-15: %s would be of the profile %o', (name, profile) => {
  expect(guessProfile(name)).toEqual(profile);
});
