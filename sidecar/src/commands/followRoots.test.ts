import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createManualClock, type ManualClock } from '../../test/support/manualClock.ts';
import { until } from '../../test/support/until.ts';
import { silentLog } from '../foundation/log.ts';
import { loadRoots, type RootSource } from '../inventory/loadRoots.ts';
import type { Root } from '../inventory/root.ts';
import { followRoots } from './followRoots.ts';

const intervalMs = 300_000;

let folder: string;
let source: RootSource;
let clock: ManualClock;
let changes: (readonly Root[])[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'follow-roots-'));
  const cluster = { server: 'https://hub', 'certificate-authority': 'ca.crt' };
  await writeFile(
    join(folder, 'config'),
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'hub', cluster }],
      users: [{ name: 'me', user: { token: 't' } }],
      contexts: [{ name: 'hub', context: { cluster: 'hub', user: 'me' } }],
    }),
  );
  await writeFile(join(folder, 'ca.crt'), 'old');
  source = { kubeconfig: join(folder, 'config'), contexts: [], environment: {} };
  clock = createManualClock();
  changes = [];
});

afterEach(() => rm(folder, { recursive: true }));

const follow = (): ReturnType<typeof followRoots> =>
  followRoots({ source, intervalMs, clock, log: silentLog, onChange: (roots) => changes.push(roots) });

it('[DI-03] what a kubeconfig names by path is read again at the interval', async () => {
  const { roots, end } = await follow();
  expect(roots.map(({ ca }) => ca)).toEqual(['old']);
  await writeFile(join(folder, 'ca.crt'), 'new');
  clock.advance(intervalMs - 1);
  expect(changes).toEqual([]);
  clock.advance(1);
  await until('the roots', () => changes.length === 1);
  expect(changes[0]?.map(({ ca }) => ca)).toEqual(['new']);
  end();
});

it('[DI-03] nothing is told after the end, not even what was being read', async () => {
  const { end } = await follow();
  clock.advance(intervalMs);
  end();
  // Begun later, and done later.
  for (let round = 0; round < 3; round++) await loadRoots(source);
  expect(changes).toEqual([]);
  expect(clock.pending).toBe(0);
});
