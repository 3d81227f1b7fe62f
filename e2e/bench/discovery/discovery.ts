import type { Row, Suite } from '../suite.ts';
import { describeSizes, measureSize } from './sizes.ts';
import { startSite } from './site.ts';

/** What it costs to know a fleet: finding it, following it, and running what it needs. */
export const discovery: Suite = {
  parts: ['sizes'],
  async run(wanted, options) {
    const site = await startSite(options.tell);
    try {
      const rows: Row[] = [];
      const bySize = new Map<number, Awaited<ReturnType<typeof measureSize>>>();
      for (const count of [0, 100, 1_000, 5_000]) {
        await site.fill(count, options.tell);
        if (wanted.includes('sizes')) bySize.set(count, await measureSize(site, count, options));
      }
      if (wanted.includes('sizes')) rows.push(...(await describeSizes(site, bySize)));
      return rows;
    } finally {
      await site.stop();
    }
  },
};
