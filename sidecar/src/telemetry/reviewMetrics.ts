import { Counter, Histogram, type Registry } from 'prom-client';

const reviewKinds = ['token', 'access', 'rules'] as const;
export type ReviewKind = (typeof reviewKinds)[number];

const reviewOutcomes = ['yes', 'no', 'unavailable'] as const;
export type ReviewOutcome = (typeof reviewOutcomes)[number];

export interface ReviewMetrics {
  /** The hub was asked about a user. */
  reviewed(kind: ReviewKind, outcome: ReviewOutcome, durationMs: number): void;
}

/** Reviews by outcome (OP-11). */
export function createReviewMetrics(registry: Registry): ReviewMetrics {
  const registers = [registry];
  const reviews = new Counter({
    name: 'cluster_inventory_reviews_total',
    help: 'Reviews that the hub was asked for, by its answer.',
    labelNames: ['kind', 'outcome'],
    registers,
  });
  const durations = new Histogram({
    name: 'cluster_inventory_review_seconds',
    help: 'How long reviews took.',
    labelNames: ['kind'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers,
  });
  for (const kind of reviewKinds) {
    for (const outcome of reviewOutcomes) reviews.inc({ kind, outcome }, 0);
    durations.zero({ kind });
  }
  return {
    reviewed(kind, outcome, durationMs) {
      reviews.inc({ kind, outcome });
      durations.observe({ kind }, durationMs / 1000);
    },
  };
}
