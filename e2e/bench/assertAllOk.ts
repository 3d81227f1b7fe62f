import type { LoadResult } from './processes/load.ts';

/** What answers wrongly answers fast: its figures would be worth nothing. */
export function assertAllOk({ statuses }: LoadResult): void {
  if (Object.keys(statuses).join() !== '200')
    throw new Error(`not only 200s came: ${JSON.stringify(statuses)}`);
}
