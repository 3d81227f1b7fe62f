import { randomUUID } from 'node:crypto';
import type { Clock } from '../foundation/clock.ts';
import type { AuditMode } from '../config/options.ts';
import { CodedError, type ErrorCode, errorDefinition } from '../foundation/errors.ts';
import {
  type AuditEvent,
  type AuditFacts,
  type AuditFields,
  formatLine,
  formatRequest,
  isRefusal,
} from './auditLine.ts';
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
  know(facts: Partial<AuditFacts>): void;
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
  openStreams(): Iterable<Partial<AuditFacts>>;
  /** What is still open has its end here. */
  close(): void;
}

/** Of those whom nobody knows, anybody can cause any number. */
const maxStrangersRefusedASecond = 100;
/** Users and clusters in one minute; past it a read may be written twice. */
const maxReads = 100_000;

export function createAuditLog({ mode, clock, write, metrics }: AuditLogOptions): AuditLog {
  const open = new Set<AuditRecord>();
  const streams = new Set<Partial<AuditFacts>>();
  let readMinute = 0;
  const reads = new Set<string>();
  let refusalSecond = 0;
  let refusals = 0;
  let dropped = 0;
  let cancelDropped = (): void => undefined;

  const emit = (event: AuditEvent, fields: AuditFields): void => {
    write(formatLine(clock.now(), event, fields));
  };

  const isFirstRead = ({ user, actsAs, cluster }: Partial<AuditFacts>): boolean => {
    const minute = Math.floor(clock.now() / 60_000);
    if (minute !== readMinute || reads.size >= maxReads) {
      readMinute = minute;
      reads.clear();
    }
    const key = JSON.stringify([user?.name, actsAs?.name, cluster?.key]);
    if (reads.has(key)) return false;
    reads.add(key);
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
  const isWorthALine = (facts: Partial<AuditFacts>): boolean => {
    if (mode === 'all' || facts.event !== undefined || facts.isUpgrade) return true;
    // Without a verb nothing was asked of a cluster.
    if (facts.verb === undefined) return false;
    return facts.verb !== 'get' || isFirstRead(facts);
  };

  return {
    begin(sourceAddress) {
      const startedAt = clock.now();
      const facts: Partial<AuditFacts> = {};
      let status: number | undefined;
      let code: ErrorCode | undefined;
      let stream: 'none' | 'written' | 'not-written' = 'none';
      let isGone = false;
      let isFinished = false;

      const writeLine = (event: AuditEvent): void => {
        const durationMs = Math.max(0, clock.now() - startedAt);
        const bytes = event === 'stream-start' ? undefined : { in: record.bytesIn, out: record.bytesOut };
        const source = { requestId: record.requestId, sourceAddress };
        write(formatRequest(clock.now(), event, source, facts, { code, status, durationMs, bytes }));
      };

      const record: AuditRecord = {
        requestId: randomUUID(),
        bytesIn: 0,
        bytesOut: 0,
        know(more) {
          Object.assign(facts, more);
          open.add(record);
        },
        answered(answeredStatus) {
          status = answeredStatus;
          const isStream = facts.isLong && (status === 101 || (status >= 200 && status < 300));
          if (!isStream) return;
          streams.add(facts);
          stream = isWorthALine(facts) ? 'written' : 'not-written';
          if (stream === 'written') writeLine('stream-start');
        },
        failed(error, isAnswered) {
          code = error.code;
          if (isAnswered) status ??= errorDefinition(code).status;
          isGone = !isAnswered;
        },
        finish() {
          if (isFinished) return;
          isFinished = true;
          open.delete(record);
          streams.delete(facts);
          // What was only seen in the dashboard's answers has neither.
          if (status !== undefined || code !== undefined) metrics?.ended(facts, { code, status, isGone });
          const isRefused = code !== undefined && isRefusal(code);
          if (stream !== 'none') {
            if (stream === 'written' || isRefused) writeLine('stream-end');
            return;
          }
          const isWritten = isRefused
            ? facts.user !== undefined || mayRefusalBeWritten()
            : isWorthALine(facts);
          if (isWritten) writeLine(facts.event ?? 'request');
        },
      };
      return record;
    },
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
