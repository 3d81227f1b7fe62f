export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
type FieldValues = Readonly<Record<string, string | number | boolean | null | undefined>>;
/** Without what every line has by itself. */
export type LogFields = FieldValues & Readonly<Partial<Record<'time' | 'level' | 'message', never>>>;

/** A line a call. Fields are data; nothing that is or may hold a credential is ever passed in. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

export interface LogOptions {
  /** `json` in a pod, `text` on a terminal (OP-12). */
  readonly format: 'json' | 'text';
  readonly level: LogLevel;
  readonly write: (line: string) => void;
  readonly now: () => number;
}

const order: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

export function createLog({ format, level, write, now }: LogOptions): Log {
  const emit =
    (lineLevel: LogLevel) =>
    (message: string, fields: LogFields = {}): void => {
      if (order[lineLevel] < order[level]) return;
      const time = new Date(now()).toISOString();
      if (format === 'json') {
        const own = { time, level: lineLevel, message };
        // First for the order, and last since no field takes their place.
        write(`${JSON.stringify({ ...own, ...fields, ...own })}\n`);
        return;
      }
      const pairs = Object.entries(fields)
        .filter(([, value]) => value !== undefined)
        .map(
          ([key, value]) => ` ${key}=${typeof value === 'string' ? JSON.stringify(value) : String(value)}`,
        );
      write(`${time.slice(11, 19)} ${lineLevel.padEnd(5)} ${message}${pairs.join('')}\n`);
    };
  return { debug: emit('debug'), info: emit('info'), warn: emit('warn'), error: emit('error') };
}

/** For tests and for parts that have nothing to say. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** The same log, each line with these fields too. */
export function withFields(log: Log, fields: LogFields): Log {
  const add =
    (level: LogLevel) =>
    (message: string, more: LogFields = {}): void => {
      log[level](message, { ...fields, ...more });
    };
  return { debug: add('debug'), info: add('info'), warn: add('warn'), error: add('error') };
}
