import type { Row, Suite, SuiteOptions } from '../suite.ts';
import { measureCallers } from './callers.ts';
import { measureChanges } from './changes.ts';
import { measureContexts } from './contexts.ts';
import { measureDeletes } from './deletes.ts';
import { type BenchSite, startSite } from './site.ts';
import { describeSizes, measureSize, type Sample } from './sizes.ts';

const sizes = [0, 100, 1_000, 5_000];
const changedSize = 1_000;
const most = 5_000;

/** What it costs to know a fleet: finding it, following it, and running what it needs. */
export const discovery: Suite = {
  parts: ['contexts', 'callers', 'sizes', 'changes', 'deletes'],
  async run(wanted, options) {
    const site = await startSite(options.tell);
    const within = (part: string): SuiteOptions => ({
      ...options,
      tell: (line) => options.tell(`${part}: ${line}`),
    });
    const rows: Row[] = [];
    try {
      if (wanted.includes('contexts')) rows.push(...(await measureContexts(site, within('contexts'))));
      if (wanted.includes('callers')) rows.push(...(await measureCallers(site, within('callers'))));
      rows.push(...(await measureGrowing(site, wanted, within)));
      if (wanted.includes('deletes')) {
        await site.fill(most, options.tell);
        rows.push(...(await measureDeletes(site, within('deletes'))));
      }
      return rows;
    } finally {
      await site.stop();
    }
  },
};

/** The hub is filled once, and looked at on the way. */
async function measureGrowing(
  site: BenchSite,
  wanted: readonly string[],
  within: (part: string) => SuiteOptions,
): Promise<Row[]> {
  const bySize = new Map<number, readonly Sample[]>();
  const changes: Row[] = [];
  for (const count of sizes) {
    const isChanged = count === changedSize && wanted.includes('changes');
    if (!wanted.includes('sizes') && !isChanged) continue;
    await site.fill(count, within('sizes').tell);
    if (wanted.includes('sizes')) bySize.set(count, await measureSize(site, count, within('sizes')));
    if (isChanged) changes.push(...(await measureChanges(site, count, within('changes'))));
  }
  return [...(bySize.size > 0 ? await describeSizes(site, bySize) : []), ...changes];
}
