import { expect, it } from 'vitest';
import type { Root } from '../inventory/root.ts';
import { createManualClock } from '../../test/support/manualClock.ts';
import { createReviewHub } from './reviewHub.ts';

const rootNamed = (name: string): Root => ({
  name,
  defaultNamespace: 'default',
  server: 'https://hub.example.com',
  insecureSkipVerify: false,
  user: { token: 't' },
});

it('[ID-07] nobody is asked about users while a second hub could be meant', () => {
  const one = rootNamed('store/one');
  const hub = createReviewHub([one], createManualClock(), () => {
    throw new Error('no plugin here');
  });
  const first = hub.client();
  expect(first).toBeDefined();
  hub.setRoots([one]);
  expect(hub.client()).toBe(first);
  hub.setRoots([one, rootNamed('store/two')]);
  expect(hub.client()).toBeUndefined();
  hub.setRoots([]);
  expect(hub.client()).toBeUndefined();
  hub.setRoots([one]);
  expect(hub.client()).toBeDefined();
  hub.close();
});
