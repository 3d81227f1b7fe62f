import type { Row, Suite, SuiteOptions } from '../suite.ts';
import { type BenchFleet, startFleet } from './fleet.ts';
import { measureManyUsers, measureOneUser, measureViewer } from './reviews.ts';
import { measureThroughput } from './throughput.ts';

const parts: ReadonlyMap<string, (fleet: BenchFleet, options: SuiteOptions) => Promise<Row[]>> = new Map([
  ['throughput', measureThroughput],
  ['one-user', measureOneUser],
  ['many-users', measureManyUsers],
  ['viewer', measureViewer],
]);

/** What it costs to know who asks, what they may, and as whom they go to a cluster. */
export const identity: Suite = {
  parts: [...parts.keys()],
  async run(wanted, options) {
    const fleet = await startFleet();
    try {
      const rows: Row[] = [];
      for (const [name, measure] of parts) {
        if (!wanted.includes(name)) continue;
        const tell = (line: string): void => options.tell(`${name}: ${line}`);
        rows.push(...(await measure(fleet, { ...options, tell })));
      }
      return rows;
    } finally {
      await fleet.stop();
    }
  },
};
