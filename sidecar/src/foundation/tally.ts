/** How many there are of each key; of a key that has none nothing is kept. */
export interface Tally {
  count(key: string): number;
  /** @returns takes it away again, once */
  add(key: string): () => void;
}

export function createTally(): Tally {
  const counts = new Map<string, number>();
  return {
    count: (key) => counts.get(key) ?? 0,
    add(key) {
      counts.set(key, (counts.get(key) ?? 0) + 1);
      let isThere = true;
      return () => {
        if (!isThere) return;
        isThere = false;
        const left = (counts.get(key) ?? 1) - 1;
        if (left > 0) counts.set(key, left);
        else counts.delete(key);
      };
    },
  };
}
