import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { type ErrorCode, errorRegistry } from '../foundation/errors.ts';
import { isRefusal, type KnownFacts } from './auditLine.ts';

/** What a request was: the first three go to a cluster, the last three to whom they name; `other` was answered here. */
const requestClasses = ['read', 'write', 'stream', 'sign-in', 'other', 'api', 'config', 'dashboard'] as const;
export type RequestClass = (typeof requestClasses)[number];

const statusOutcomes = ['1xx', '2xx', '3xx', '4xx', '5xx'] as const;
const requestOutcomes = [...statusOutcomes, 'refused', 'failed', 'gone'] as const;
type RequestOutcome = (typeof requestOutcomes)[number];

const streamKinds = ['watch', 'log', 'exec', 'attach', 'portforward', 'proxy', 'other'] as const;
type StreamKind = (typeof streamKinds)[number];

/** How a request ended. */
export interface RequestEnd {
  /** Of an error of the sidecar, or where it could not pass on the whole of an answer. */
  readonly code?: ErrorCode | undefined;
  readonly status?: number | undefined;
  /** The client was not there for the end. */
  readonly isGone: boolean;
}

export interface RequestMetrics {
  /** A request that is about a cluster. */
  ended(facts: KnownFacts, end: RequestEnd): void;
  /** Any other. */
  passed(requestClass: 'api' | 'config' | 'dashboard', end: RequestEnd): void;
  /** An error that was answered to one of those others. */
  refused(code: ErrorCode): void;
  /** The head of a cluster's answer, from when it was asked: connecting is in it, the credential is not. */
  upstreamAnswered(facts: KnownFacts, durationMs: number): void;
}

/** Requests by class and outcome, upstream latency, open streams (OP-11). Every series is there from the start (TH-46). */
export function createRequestMetrics(
  registry: Registry,
  openStreams: () => Iterable<KnownFacts>,
): RequestMetrics {
  const registers = [registry];
  /** Told when somebody asks: prom-client would make a text of both for each request. */
  const counts = new Float64Array(requestClasses.length * requestOutcomes.length);
  const placeOf = (requestClass: RequestClass, outcome: RequestOutcome): number =>
    requestClasses.indexOf(requestClass) * requestOutcomes.length + requestOutcomes.indexOf(outcome);
  new Counter({
    name: 'cluster_inventory_requests_total',
    help: 'Requests that have ended, by what they were and what came of them.',
    labelNames: ['class', 'outcome'],
    registers,
    collect() {
      this.reset();
      for (const requestClass of requestClasses)
        for (const outcome of requestOutcomes)
          this.inc({ class: requestClass, outcome }, counts[placeOf(requestClass, outcome)]);
    },
  });
  const errors = new Counter({
    name: 'cluster_inventory_errors_total',
    help: 'Errors of the sidecar that ended requests, by code.',
    labelNames: ['code'],
    registers,
  });
  const upstream = new Histogram({
    name: 'cluster_inventory_upstream_response_seconds',
    help: 'Time from asking a cluster to the head of its answer.',
    labelNames: ['class'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  });
  for (const code of Object.keys(errorRegistry)) errors.inc({ code }, 0);
  for (const requestClass of ['read', 'write', 'stream']) upstream.zero({ class: requestClass });
  const upstreamOf = new Map(requestClasses.map((each) => [each, upstream.labels(each)]));
  new Gauge({
    name: 'cluster_inventory_open_streams',
    help: 'Streams of clusters that are open: watches, followed logs, terminals, port-forwards.',
    labelNames: ['kind'],
    registers,
    collect() {
      for (const kind of streamKinds) this.set({ kind }, 0);
      for (const facts of openStreams()) this.inc({ kind: kindOf(facts) });
    },
  });

  const count = (requestClass: RequestClass, outcome: RequestOutcome, code?: ErrorCode): void => {
    const place = placeOf(requestClass, outcome);
    counts[place] = (counts[place] ?? 0) + 1;
    // Who left has nothing to do with what went wrong then.
    if (code !== undefined && outcome !== 'gone') errors.inc({ code });
  };

  return {
    ended: (facts, end) => {
      count(classOf(facts), outcomeOf(end), end.code);
    },
    passed: (requestClass, end) => {
      count(requestClass, outcomeOf(end));
    },
    refused: (code) => {
      errors.inc({ code });
    },
    upstreamAnswered: (facts, durationMs) => {
      upstreamOf.get(classOf(facts))?.observe(durationMs / 1000);
    },
  };
}

function classOf({ event, verb, isLong }: KnownFacts): RequestClass {
  if (event === 'sign-in' || event === 'sign-out') return 'sign-in';
  if (isLong) return 'stream';
  if (verb === undefined) return 'other';
  return verb === 'get' ? 'read' : 'write';
}

function outcomeOf({ code, status, isGone }: RequestEnd): RequestOutcome {
  if (code !== undefined && isRefusal(code)) return 'refused';
  if (isGone) return 'gone';
  if (code !== undefined || status === undefined) return 'failed';
  // A cluster may answer any three digits.
  return statusOutcomes[Math.floor(status / 100) - 1] ?? '5xx';
}

function kindOf({ asked }: KnownFacts): StreamKind {
  if (asked?.isWatch) return 'watch';
  return streamKinds.find((kind) => kind === asked?.subresource) ?? 'other';
}
