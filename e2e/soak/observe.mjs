// Loaded into the sidecar's process in front of it: on SIGUSR2 what it holds after garbage collection is written down.
import { appendFileSync } from 'node:fs';

const file = process.env['SOAK_OBSERVED'] ?? '';

process.on('SIGUSR2', () => {
  globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  appendFileSync(file, `${JSON.stringify({ heapUsed, rss })}\n`);
});
