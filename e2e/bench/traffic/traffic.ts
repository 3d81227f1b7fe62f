import type { Row, Suite, SuiteOptions } from '../suite.ts';
import { measureBodies } from './bodies.ts';
import { measureDeleted } from './deleted.ts';
import { measureExec } from './exec.ts';
import { measureLeavers } from './leavers.ts';
import { measureMemory } from './memory.ts';
import { startSite, type TrafficSite } from './site.ts';
import { measureRequests } from './throughput.ts';
import { measureWatches } from './watches.ts';

const requestParts = ['throughput', 'latency'];
const parts: ReadonlyMap<string, (site: TrafficSite, options: SuiteOptions) => Promise<Row[]>> = new Map([
  // While the sidecar has had requests only: what large bodies leave behind is not of this load.
  ['memory', measureMemory],
  ['bodies', measureBodies],
  ['watches', measureWatches],
  ['exec', measureExec],
  ['leavers', measureLeavers],
  ['deleted', measureDeleted],
]);

/** What the way through the sidecar costs, beside other ways to the same upstream. */
export const traffic: Suite = {
  parts: [...requestParts, ...parts.keys()],
  async run(wanted, options) {
    const within = (part: string): SuiteOptions => ({
      ...options,
      tell: (line) => options.tell(`${part}: ${line}`),
    });
    const site = await startSite(options);
    const rows: Row[] = [];
    try {
      const [throughput, latency] = [wanted.includes('throughput'), wanted.includes('latency')];
      if (throughput || latency)
        rows.push(...(await measureRequests(site, { throughput, latency }, within('requests'))));
      for (const [name, measure] of parts)
        if (wanted.includes(name)) rows.push(...(await measure(site, within(name))));
      return rows;
    } finally {
      await site.stop();
    }
  },
};
