import { errorRegistry, type ErrorCode } from './errorRegistry.ts';

export { type ErrorCode, errorDefinition, errorRegistry, type Stage, stages } from './errorRegistry.ts';

export interface CodedErrorOptions {
  readonly cause?: unknown;
  /**
   * What may be shown in the diagnosis of a cluster and nowhere else (EX-15): for a plugin the end of its
   * stderr, already redacted.
   */
  readonly diagnosis?: string;
}

/**
 * The one error class. `message` is fit for everyone who may see the cluster: it holds no address, no path, no
 * output of a plugin and no secret (PX-40). Nobody matches on it; they match on `code`.
 */
export class CodedError extends Error {
  override readonly name = 'CodedError';
  readonly code: ErrorCode;
  readonly diagnosis: string | undefined;

  constructor(code: ErrorCode, message?: string, options: CodedErrorOptions = {}) {
    super(message ?? errorRegistry[code].summary, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.diagnosis = options.diagnosis;
  }
}

/** Any thrown value as a `CodedError`; what was not coded becomes `internal-error` with the value as cause. */
export function asCodedError(thrown: unknown): CodedError {
  return thrown instanceof CodedError
    ? thrown
    : new CodedError('internal-error', undefined, { cause: thrown });
}
