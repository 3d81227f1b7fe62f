import type { Clock } from '../foundation/clock.ts';
import type { AuditMode } from '../config/options.ts';
import { CodedError, type ErrorCode, errorDefinition } from '../foundation/errors.ts';
import {
  type AuditEvent,
  type AuditFields,
  formatLine,
  formatRequest,
  isRefusal,
  type KnownFacts,
} from './auditLine.ts';
import { createRequestId } from './requestId.ts';
import type { RequestMetrics } from './requestMetrics.ts';

export interface AuditLogOptions {
  /** `writes`: reads once for each user, cluster and minute; `all`: every request to a cluster. */
  readonly mode: AuditMode;
  readonly clock: Clock;
  /** Takes a whole line, with its end; never blocks. */
  readonly write: (line: string) => void;
  /** Told of each request that ended, whether it has a line or not. */
  readonly metrics?: Pick<RequestMetrics, 'ended'> | undefined;
}

/** One request to a cluster, from when it came in. Nothing is written of one that is never finished. */
export interface AuditRecord {
  /** Also what the cluster gets as `Audit-ID` (ID-31). */
  readonly requestId: string;
  /** Of bodies and tunnels, as they were passed on. */
  bytesIn: number;
  bytesOut: number;
  /** Where to write what becomes known; from the first time on it has an end, whatever happens. */
  know(): KnownFacts;
  /** An answer begins; a stream has its first line now. */
  answered(status: number): void;
  /** @param isAnswered whether the client is there to be told */
  failed(error: CodedError, isAnswered: boolean): void;
  /** Writes what is to be written, once. */
  finish(): void;
}

/** Who did what to which cluster (ID-30). */
export interface AuditLog {
  begin(sourceAddress: string | undefined): AuditRecord;
  /** What is no request. */
  note(event: AuditEvent, fields: AuditFields): void;
  /** Of each stream that is open, what is known. */
  openStreams(): Iterable<KnownFacts>;
  /** What is still open has its end here. */
  close(): void;
}

/** Of those whom nobody knows, anybody can cause any number. */
const maxStrangersRefusedASecond = 100;
/** Users and clusters in one minute; past it a read may be written twice. */
const maxReads = 100_000;

export function createAuditLog({ mode, clock, write, metrics }: AuditLogOptions): AuditLog {
  const open = new Set<AuditRecord>();
  const streams = new Set<KnownFacts>();
  let readMinute = 0;
  let readCount = 0;
  /** By the keys of clusters: the names of who acts as themselves, which need no key of their own, and pairs of names. */
  const reads = new Map<string | undefined, Set<string | undefined>>();
  const readsAsOthers = new Map<string | undefined, Set<string | undefined>>();
  let refusalSecond = 0;
  let refusals = 0;
  let dropped = 0;
  let cancelDropped = (): void => undefined;

  const emit = (event: AuditEvent, fields: AuditFields): void => {
    write(formatLine(clock.now(), event, fields));
  };

  const isFirstRead = ({ user, actsAs, cluster }: KnownFacts): boolean => {
    const minute = Math.floor(clock.now() / 60_000);
    if (minute !== readMinute || readCount >= maxReads) {
      readMinute = minute;
      readCount = 0;
      reads.clear();
      readsAsOthers.clear();
    }
    const isThemselves = user?.name === actsAs?.name;
    const byCluster = isThemselves ? reads : readsAsOthers;
    const who = isThemselves ? user?.name : JSON.stringify([user?.name, actsAs?.name]);
    const seen = byCluster.get(cluster?.key) ?? new Set();
    if (seen.has(who)) return false;
    byCluster.set(cluster?.key, seen.add(who));
    readCount++;
    return true;
  };

  const writeDropped = (): void => {
    cancelDropped();
    if (dropped > 0) emit('refusals-not-written', { count: dropped });
    dropped = 0;
  };

  const mayRefusalBeWritten = (): boolean => {
    const second = Math.floor(clock.now() / 1000);
    if (second !== refusalSecond) {
      writeDropped();
      refusalSecond = second;
      refusals = 0;
    }
    if (++refusals <= maxStrangersRefusedASecond) return true;
    if (dropped++ === 0) cancelDropped = clock.after(1000, writeDropped);
    return false;
  };

  /** Whether a request has a line, its outcome apart. */
  const isWorthALine = (facts: KnownFacts): boolean => {
    if (mode === 'all' || facts.event !== undefined || facts.isUpgrade) return true;
    // Without a verb nothing was asked of a cluster.
    if (facts.verb === undefined) return false;
    return facts.verb !== 'get' || isFirstRead(facts);
  };

  /** Of one shape, which holds what is known as well: there is one for every request. */
  class OpenRecord implements AuditRecord, KnownFacts {
    readonly requestId = createRequestId();
    bytesIn = 0;
    bytesOut = 0;

    event: KnownFacts['event'] = undefined;
    user: KnownFacts['user'] = undefined;
    isStale: KnownFacts['isStale'] = undefined;
    actsAs: KnownFacts['actsAs'] = undefined;
    clusterName: KnownFacts['clusterName'] = undefined;
    cluster: KnownFacts['cluster'] = undefined;
    mode: KnownFacts['mode'] = undefined;
    identityHeaders: KnownFacts['identityHeaders'] = undefined;
    verb: KnownFacts['verb'] = undefined;
    asked: KnownFacts['asked'] = undefined;
    isUpgrade: KnownFacts['isUpgrade'] = undefined;
    isLong: KnownFacts['isLong'] = undefined;

    readonly #sourceAddress: string | undefined;
    readonly #startedAt = clock.now();
    #status: number | undefined = undefined;
    #code: ErrorCode | undefined = undefined;
    #stream: 'none' | 'written' | 'not-written' = 'none';
    #isGone = false;
    #isKnown = false;
    #isFinished = false;

    constructor(sourceAddress: string | undefined) {
      this.#sourceAddress = sourceAddress;
    }

    know(): KnownFacts {
      if (!this.#isKnown) {
        this.#isKnown = true;
        open.add(this);
      }
      return this;
    }

    answered(status: number): void {
      this.#status = status;
      const isStream = this.isLong && (status === 101 || (status >= 200 && status < 300));
      if (!isStream) return;
      streams.add(this);
      this.#stream = isWorthALine(this) ? 'written' : 'not-written';
      if (this.#stream === 'written') this.#writeLine('stream-start');
    }

    failed({ code }: CodedError, isAnswered: boolean): void {
      this.#code = code;
      if (isAnswered) this.#status ??= errorDefinition(code).status;
      this.#isGone = !isAnswered;
    }

    finish(): void {
      if (this.#isFinished) return;
      this.#isFinished = true;
      open.delete(this);
      streams.delete(this);
      const code = this.#code;
      const status = this.#status;
      // What was only seen in the dashboard's answers has neither.
      if (status !== undefined || code !== undefined)
        metrics?.ended(this, { code, status, isGone: this.#isGone });
      const isRefused = code !== undefined && isRefusal(code);
      if (this.#stream !== 'none') {
        if (this.#stream === 'written' || isRefused) this.#writeLine('stream-end');
        return;
      }
      const isWritten = isRefused ? this.user !== undefined || mayRefusalBeWritten() : isWorthALine(this);
      if (isWritten) this.#writeLine(this.event ?? 'request');
    }

    #writeLine(event: AuditEvent): void {
      const { requestId } = this;
      const durationMs = Math.max(0, clock.now() - this.#startedAt);
      const bytes = event === 'stream-start' ? undefined : { in: this.bytesIn, out: this.bytesOut };
      const source = { requestId, sourceAddress: this.#sourceAddress };
      const outcome = { code: this.#code, status: this.#status, durationMs, bytes };
      write(formatRequest(clock.now(), event, source, this, outcome));
    }
  }

  return {
    begin: (sourceAddress) => new OpenRecord(sourceAddress),
    note: emit,
    openStreams: () => streams,
    close() {
      const error = new CodedError('shutting-down');
      for (const record of open) {
        record.failed(error, false);
        record.finish();
      }
      writeDropped();
    },
  };
}
