import { Gauge, type Registry } from 'prom-client';
import type { ErrorCode } from '../foundation/errors.ts';
import { createNameLabels } from './nameLabels.ts';

const watchStates = ['starting', 'synced', 'no-crd', 'failing'] as const;

export interface FollowedRoot {
  readonly root: string;
  /** One for each watched namespace. */
  readonly namespaces: readonly {
    readonly state: { readonly phase: (typeof watchStates)[number]; readonly confirmedAt?: number };
  }[];
}

export interface FollowedProfile {
  readonly status: { readonly state: string; readonly code?: ErrorCode };
}

export interface InventoryMetricsOptions {
  readonly roots: () => readonly FollowedRoot[];
  readonly profiles: () => Iterable<FollowedProfile>;
}

/** Watch state by root, profiles by status (OP-11). */
export function createInventoryMetrics(
  registry: Registry,
  { roots, profiles }: InventoryMetricsOptions,
): { readonly keepOnly: (roots: ReadonlySet<string>) => void } {
  const labels = createNameLabels();
  const registers = [registry];
  new Gauge({
    name: 'cluster_inventory_watches',
    help: 'Watched namespaces of each root, by how the watch is.',
    labelNames: ['root', 'state'],
    registers,
    collect() {
      this.reset();
      for (const { root: name, namespaces } of roots()) {
        const root = labels.labelOf(name);
        for (const state of watchStates)
          this.inc({ root, state }, namespaces.filter((each) => each.state.phase === state).length);
      }
    },
  });
  new Gauge({
    name: 'cluster_inventory_watch_confirmed_timestamp_seconds',
    help: 'When a root last confirmed what is known of it: that of its namespaces for which this is longest ago.',
    labelNames: ['root'],
    registers,
    collect() {
      this.reset();
      const oldest = new Map<string, number>();
      for (const { root: name, namespaces } of roots()) {
        const root = labels.labelOf(name);
        for (const { state } of namespaces)
          if (state.confirmedAt !== undefined)
            oldest.set(root, Math.min(state.confirmedAt, oldest.get(root) ?? Infinity));
      }
      for (const [root, confirmedAt] of oldest) this.set({ root }, confirmedAt / 1000);
    },
  });
  new Gauge({
    name: 'cluster_inventory_profiles',
    help: 'ClusterProfiles by what is known of the way to their cluster.',
    labelNames: ['state', 'code'],
    registers,
    collect() {
      this.reset();
      for (const { status } of profiles()) this.inc({ state: status.state, code: status.code ?? '' });
    },
  });
  return {
    keepOnly(names) {
      labels.keepOnly(names);
    },
  };
}
