import { constants } from 'node:os';

/** A terminal, npm and run.mjs each pass the same Ctrl-C on. */
const sameWishMs = 1_000;

/**
 * Calls `end` once this process is to end: by a signal, or because run.mjs, which started it, is gone. Whoever wishes
 * it again a while later does not want to wait: then it exits at once.
 */
export function listenForEnd(end: (exitCode: number) => void): void {
  let since: number | undefined;
  const wish = (signal: NodeJS.Signals): void => {
    const exitCode = 128 + constants.signals[signal];
    if (since === undefined) {
      since = performance.now();
      end(exitCode);
    } else if (performance.now() - since > sameWishMs) process.exit(exitCode);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, wish);
  // A terminal or a pipe that is gone is no reason to end otherwise than in order.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  if (process.send === undefined) return;
  process.on('disconnect', () => wish('SIGTERM'));
  // To listen alone is no reason to stay.
  process.channel?.unref();
  if (!process.connected) wish('SIGTERM');
}
