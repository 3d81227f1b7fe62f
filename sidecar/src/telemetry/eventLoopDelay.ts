import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Gauge, type Registry } from 'prom-client';

/** How often it is looked whether the loop turns: 50 times a second. */
const resolutionMs = 20;
const percentiles = { '0.5': 50, '0.99': 99, '1': 100 } as const;

/** How late timers were since the last scrape (OP-11). @returns what ends it */
export function followEventLoopDelay(registry: Registry): () => void {
  const delays = monitorEventLoopDelay({ resolution: resolutionMs });
  delays.enable();
  new Gauge({
    name: 'cluster_inventory_event_loop_delay_seconds',
    help: 'How much later than due the event loop came to its timers since the last scrape.',
    labelNames: ['quantile'],
    registers: [registry],
    collect() {
      for (const [quantile, percentile] of Object.entries(percentiles)) {
        // What is recorded is the time between two looks; nothing at all counts as none.
        const lateNs = delays.percentile(percentile) - resolutionMs * 1e6;
        this.set({ quantile }, Math.max(lateNs, 0) / 1e9);
      }
      delays.reset();
    },
  });
  return () => {
    delays.disable();
  };
}
