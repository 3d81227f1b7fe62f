import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { createManualClock } from '../../test/support/manualClock.ts';
import { parseSamples } from '../../test/support/scrapeMetrics.ts';
import { createMetrics, type FollowedParts } from './metrics.ts';

const now = createManualClock().now();
const full: FollowedParts = {
  access: { providers: { providers: [{ name: 'p' }] } },
  inventory: {
    states: () => [{ root: 'r', namespaces: [{ state: { phase: 'synced', confirmedAt: now } }] }],
  },
  credentials: {
    states: () => [{ provider: 'p', state: { isHeld: true, expiresAt: now + 1, failure: {} } }],
  },
  registry: { list: () => [{ status: { state: 'ready' } }] },
  audit: { openStreams: () => [{}] },
};

async function read(parts: FollowedParts): Promise<string> {
  const metrics = createMetrics(createManualClock(), () => parts);
  metrics.plugins.ran({ provider: 'p', outcome: 'ok', durationMs: 1 });
  const { text } = await metrics.read();
  metrics.close();
  return text;
}

/** `name | type | labels`, as both the text and the table of the docs have it. */
function describe(text: string): string[] {
  const series = [...parseSamples(text).keys()];
  return [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => {
    const own = series.filter((each) => each.replace(/(_bucket|_sum|_count)?\{.*/, '') === name);
    const labels = own.flatMap((each) => [...each.matchAll(/[{,](\w+)="/g)].map(([, label = '']) => label));
    return [name, type, [...new Set(labels)].filter((label) => label !== 'le').join(', ')].join(' | ');
  });
}

it('[OP-11] docs/metrics.md explains every metric with its labels, and no other', async () => {
  const docs = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8');
  const documented = [...docs.matchAll(/^\| `(cluster_inventory_\w+)` +\| (\w+) +\| ([^|]+?) +\|/gm)].map(
    ([, name = '', type = '', labels = '']) => [name, type, labels.replaceAll('`', '')].join(' | '),
  );
  expect(documented.length).toBeGreaterThan(0);
  expect(describe(await read(full))).toEqual(documented);
});

it('[EX-32] credentials are counted by how soon they expire', async () => {
  const inMs = [undefined, -5000, 0, 59_000, 61_000, 599_000, 601_000, 3_599_000, 3_601_000];
  const held = inMs.map((each) => ({
    provider: 'p',
    state: { isHeld: true, ...(each === undefined ? {} : { expiresAt: now + each }) },
  }));
  const text = await read({
    ...full,
    credentials: { states: () => [...held, { provider: 'p', state: { isHeld: false } }] },
  });
  const samples = parseSamples(text);
  const count = (expiry: string): number | undefined =>
    samples.get(`cluster_inventory_credentials{provider="p",expiry="${expiry}"}`);
  expect(['none', 'expired', '1m', '10m', '1h', 'later'].map(count)).toEqual([1, 2, 1, 2, 2, 1]);
  expect(samples.get('cluster_inventory_credential_next_expiry_timestamp_seconds{provider="p"}')).toBe(
    (now + 59_000) / 1000,
  );
});

it('[EX-32, TH-46] what a provider leaves goes with it', async () => {
  let parts: FollowedParts = { ...full, credentials: { states: () => [] } };
  const metrics = createMetrics(createManualClock(), () => parts);
  metrics.plugins.ran({ provider: 'p', outcome: 'ok', durationMs: 1 });
  metrics.plugins.ran({ provider: 'p', outcome: 'plugin-timeout', durationMs: 1 });
  metrics.plugins.ran({ provider: 'r', outcome: 'internal-error', durationMs: 1 });
  const providersIn = async (): Promise<string[]> => [
    ...new Set([...(await metrics.read()).text.matchAll(/provider="(\w+)"/g)].map(([, name = '']) => name)),
  ];
  expect(await providersIn()).toEqual(['p', 'r']);
  parts = { ...parts, access: { providers: { providers: [] } } };
  expect(await providersIn()).toEqual(['r']);
  parts = { ...parts, inventory: { states: () => [] } };
  expect(await providersIn()).toEqual([]);
  metrics.close();
});
