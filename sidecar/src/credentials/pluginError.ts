import { CodedError } from '../foundation/errors.ts';
import type { CodedErrorOptions, ErrorCode } from '../foundation/errors.ts';

/** An error that names the provider and what was wrong. `what` holds no output, path or address (EX-10 to EX-17). */
export function pluginError(
  code: ErrorCode,
  provider: string,
  what: string,
  options: CodedErrorOptions = {},
): CodedError {
  return new CodedError(code, `Provider "${provider}": ${what}`, options);
}
