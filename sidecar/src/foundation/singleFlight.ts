/**
 * One run at a time for each key: callers that come while a run is under way share its outcome.
 * Nothing is remembered after the run ends.
 */
export interface SingleFlight<Value> {
  run(key: string, work: () => Promise<Value>): Promise<Value>;
}

export function createSingleFlight<Value>(): SingleFlight<Value> {
  const underWay = new Map<string, Promise<Value>>();
  return {
    run(key, work) {
      const current = underWay.get(key);
      if (current) return current;
      const started = work().finally(() => underWay.delete(key));
      underWay.set(key, started);
      return started;
    },
  };
}
