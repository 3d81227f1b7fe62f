/** How many there are of each key; of a key that has none nothing is kept. */
export interface Tally {
  count(key: string): number;
  /** One more, or one of those less. */
  change(key: string, by: 1 | -1): void;
}

export function createTally(): Tally {
  const counts = new Map<string, number>();
  const count = (key: string): number => counts.get(key) ?? 0;
  return {
    count,
    change(key, by) {
      const changed = count(key) + by;
      if (changed > 0) counts.set(key, changed);
      else counts.delete(key);
    },
  };
}
