import type { Writable } from 'node:stream';
import type { Options } from '../config/options.ts';
import type { Clock } from '../foundation/clock.ts';
import { CodedError } from '../foundation/errors.ts';
import type { Log } from '../foundation/log.ts';
import { openAppendedFile } from '../telemetry/appendedFile.ts';
import { type AuditLog, type AuditLogOptions, createAuditLog } from '../telemetry/audit.ts';
import { formatLine } from '../telemetry/auditLine.ts';
import { createLineWriter, type LineTarget, toStream } from '../telemetry/lineWriter.ts';

export interface AuditSurroundings {
  readonly clock: Clock;
  readonly log: Log;
  /** Where lines go without a file of their own. */
  readonly stream: Writable;
  readonly metrics?: AuditLogOptions['metrics'];
}

export interface OpenedAudit {
  readonly audit: AuditLog;
  /** Ends what is open, and writes what waits. */
  readonly close: () => Promise<void>;
}

/** @throws CodedError `options-invalid` for a file that cannot be opened */
export async function createAudit(
  { audit: mode, auditLog: path }: Pick<Options, 'audit' | 'auditLog'>,
  { clock, log, stream, metrics }: AuditSurroundings,
): Promise<OpenedAudit> {
  const target = path === '' ? toStream(stream) : await openFile(path, clock);
  const writer = createLineWriter({
    target,
    clock,
    log,
    describeLost: (count) => formatLine(clock.now(), 'lines-lost', { count }),
  });
  const audit = createAuditLog({
    mode,
    clock,
    write: (line) => {
      writer.write(line);
    },
    metrics,
  });
  return {
    audit,
    close() {
      audit.close();
      return writer.close();
    },
  };
}

async function openFile(path: string, clock: Clock): Promise<LineTarget> {
  try {
    return await openAppendedFile(path, clock);
  } catch (cause) {
    const { code = 'unknown' } = cause as NodeJS.ErrnoException;
    throw new CodedError('options-invalid', `--audit-log: ${path} cannot be opened (${code})`, { cause });
  }
}
