const shown = 20;

/** What must never happen and did. */
export interface Violations {
  readonly count: number;
  add(text: string): void;
  /** The first of them, each with how often it happened. */
  describe(): readonly string[];
}

export function createViolations(): Violations {
  const counts = new Map<string, number>();
  let count = 0;
  return {
    get count() {
      return count;
    },
    add(text) {
      count++;
      counts.set(text, (counts.get(text) ?? 0) + 1);
    },
    describe: () =>
      [...counts].slice(0, shown).map(([text, times]) => (times === 1 ? text : `${text} (${times} times)`)),
  };
}
