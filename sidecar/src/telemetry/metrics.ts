import { Registry } from 'prom-client';
import type { Clock } from '../foundation/clock.ts';
import type { KnownFacts } from './auditLine.ts';
import { followEventLoopDelay } from './eventLoopDelay.ts';
import { createInventoryMetrics, type FollowedProfile, type FollowedRoot } from './inventoryMetrics.ts';
import { createPluginMetrics, type FollowedCredential, type PluginMetrics } from './pluginMetrics.ts';
import { createRequestMetrics, type RequestMetrics } from './requestMetrics.ts';
import { createReviewMetrics, type ReviewMetrics } from './reviewMetrics.ts';

/** The parts that are looked at when somebody asks for the metrics, and at no other time. */
export interface FollowedParts {
  /** The provider file as it is now. */
  readonly access: { readonly providers: { readonly providers: readonly { readonly name: string }[] } };
  readonly inventory: { states(): readonly FollowedRoot[] };
  readonly credentials: { states(): Iterable<FollowedCredential> };
  readonly registry: { list(): Iterable<FollowedProfile> };
  readonly audit: { openStreams(): Iterable<KnownFacts> };
}

export interface Metrics {
  readonly requests: RequestMetrics;
  readonly plugins: Pick<PluginMetrics, 'ran'>;
  readonly reviews: ReviewMetrics;
  /** In the text format of Prometheus. */
  read(): Promise<{ readonly contentType: string; readonly text: string }>;
  close(): void;
}

/** The metrics of one sidecar (OP-11); docs/metrics.md explains each. */
export function createMetrics(clock: Clock, parts: () => FollowedParts): Metrics {
  const registry = new Registry();
  const requests = createRequestMetrics(registry, () => parts().audit.openStreams());
  const plugins = createPluginMetrics(registry, {
    clock,
    credentials: () => parts().credentials.states(),
  });
  const inventory = createInventoryMetrics(registry, {
    roots: () => parts().inventory.states(),
    profiles: () => parts().registry.list(),
  });
  const reviews = createReviewMetrics(registry);
  const endEventLoopDelay = followEventLoopDelay(registry);
  return {
    requests,
    plugins,
    reviews,
    async read() {
      const { inventory: followed, access } = parts();
      const roots = new Set(followed.states().map(({ root }) => root));
      inventory.keepOnly(roots);
      // A kubeconfig's plugin runs under the name of its root.
      plugins.keepOnly(new Set([...access.providers.providers.map(({ name }) => name), ...roots]));
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
    close: endEventLoopDelay,
  };
}
