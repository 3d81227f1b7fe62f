import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Clock } from '../foundation/clock.ts';
import { type ErrorCode, errorRegistry } from '../foundation/errors.ts';
import { createNameLabels } from './nameLabels.ts';

/** A credential as it is known without running anything. */
export interface FollowedCredential {
  /** A provider of the file, or a root whose kubeconfig names a plugin. */
  readonly provider: string;
  readonly state: {
    readonly isHeld: boolean;
    /** Milliseconds since the epoch. */
    readonly expiresAt?: number;
    /** Why the last run failed, when it did. */
    readonly failure?: unknown;
  };
}

interface PluginRun {
  readonly provider: string;
  readonly outcome: ErrorCode | 'ok';
  readonly durationMs: number;
}

export interface PluginMetrics {
  /** A plugin's run ended. */
  readonly ran: (run: PluginRun) => void;
  /** Drops the series of every provider that is not among these. */
  keepOnly(providers: ReadonlySet<string>): void;
}

export interface PluginMetricsOptions {
  readonly clock: Clock;
  readonly credentials: () => Iterable<FollowedCredential>;
}

const outcomes = ['ok', ...Object.keys(errorRegistry)];

/** How far an expiry is away; from the nearest, each up to its bound in milliseconds. */
const expiries = [
  { label: 'expired', maxMs: 0 },
  { label: '1m', maxMs: 60_000 },
  { label: '10m', maxMs: 600_000 },
  { label: '1h', maxMs: 3_600_000 },
  { label: 'later', maxMs: Infinity },
];

/** Runs by provider and outcome, duration, time to expiry, time of the last success (EX-32). */
export function createPluginMetrics(
  registry: Registry,
  { clock, credentials }: PluginMetricsOptions,
): PluginMetrics {
  const labels = createNameLabels();
  const registers = [registry];
  const runs = new Counter({
    name: 'cluster_inventory_plugin_runs_total',
    help: 'Runs of credential plugins that have ended, by outcome.',
    labelNames: ['provider', 'outcome'],
    registers,
  });
  const durations = new Histogram({
    name: 'cluster_inventory_plugin_run_seconds',
    help: 'How long runs of credential plugins took, without the wait for their turn.',
    labelNames: ['provider'],
    buckets: [0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  });
  const lastSuccess = new Gauge({
    name: 'cluster_inventory_plugin_last_success_timestamp_seconds',
    help: 'When a credential plugin last answered a credential.',
    labelNames: ['provider'],
    registers,
  });
  new Gauge({
    name: 'cluster_inventory_credentials',
    help: 'Credentials that are held, by how soon they expire.',
    labelNames: ['provider', 'expiry'],
    registers,
    collect() {
      this.reset();
      for (const { provider, state } of credentials()) {
        if (!state.isHeld && state.expiresAt === undefined) continue;
        this.inc({ provider: labels.labelOf(provider), expiry: expiryOf(state.expiresAt, clock.now()) });
      }
    },
  });
  new Gauge({
    name: 'cluster_inventory_credential_next_expiry_timestamp_seconds',
    help: 'When the next credential of a provider expires.',
    labelNames: ['provider'],
    registers,
    collect() {
      this.reset();
      const next = new Map<string, number>();
      for (const { provider, state } of credentials()) {
        const { expiresAt } = state;
        if (expiresAt === undefined || expiresAt <= clock.now()) continue;
        const label = labels.labelOf(provider);
        next.set(label, Math.min(expiresAt, next.get(label) ?? Infinity));
      }
      for (const [provider, expiresAt] of next) this.set({ provider }, expiresAt / 1000);
    },
  });
  new Gauge({
    name: 'cluster_inventory_credentials_failing',
    help: 'Clusters and hubs whose credential plugin failed when it was last run.',
    labelNames: ['provider'],
    registers,
    collect() {
      this.reset();
      for (const { provider, state } of credentials())
        if (state.failure !== undefined) this.inc({ provider: labels.labelOf(provider) });
    },
  });

  return {
    ran({ provider: name, outcome, durationMs }) {
      const provider = labels.labelOf(name);
      runs.inc({ provider, outcome });
      durations.observe({ provider }, durationMs / 1000);
      if (outcome === 'ok') lastSuccess.set({ provider }, clock.now() / 1000);
    },
    keepOnly(providers) {
      for (const provider of labels.keepOnly(providers)) {
        for (const outcome of outcomes) runs.remove({ provider, outcome });
        durations.remove({ provider });
        lastSuccess.remove({ provider });
      }
    },
  };
}

function expiryOf(expiresAt: number | undefined, now: number): string {
  if (expiresAt === undefined) return 'none';
  return expiries.find(({ maxMs }) => expiresAt - now <= maxMs)?.label ?? 'later';
}
