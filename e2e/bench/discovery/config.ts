import type { MeasuredSidecar } from './site.ts';

/** `GET /config` over and over, as a tab does, only sooner. */
export interface ConfigPoller {
  /** One question. @returns the text where it is another than before */
  poll(): Promise<string | undefined>;
}

export function createConfigPoller({ url }: Pick<MeasuredSidecar, 'url'>): ConfigPoller {
  let etag: string | undefined;
  return {
    async poll() {
      const response = await fetch(`${url}/config`, {
        headers: { 'accept-encoding': 'identity', ...(etag === undefined ? {} : { 'if-none-match': etag }) },
      });
      etag = response.headers.get('etag') ?? undefined;
      const text = await response.text();
      return response.status === 200 ? text : undefined;
    },
  };
}

/** How many discovered clusters a `/config` has; nothing is parsed, which would take the sidecar's time. */
export function countDiscovered(text: string): number {
  return text.split('"source":"cluster_inventory"').length - 1;
}

/** Milliseconds from the spawn until so many discovered clusters are in `/config`. */
export async function waitForClusters(
  sidecar: MeasuredSidecar,
  count: number,
  timeoutMs = 60_000,
): Promise<number> {
  const poller = createConfigPoller(sidecar);
  while (performance.now() < sidecar.spawnedAt + timeoutMs) {
    sidecar.assertRunning();
    const text = await poller.poll().catch(() => undefined);
    const elapsedMs = performance.now() - sidecar.spawnedAt;
    if (text !== undefined && countDiscovered(text) === count) return elapsedMs;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`${count} clusters did not come within ${timeoutMs / 1000} s`);
}
