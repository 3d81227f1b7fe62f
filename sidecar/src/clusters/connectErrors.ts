import { CodedError, type ErrorCode } from '../foundation/errors.ts';
import { errors } from '../foundation/undici.ts';

/** Errors of Node, OpenSSL and undici by their codes; nobody reads their messages. */
const codes: Readonly<Record<string, ErrorCode>> = {
  ENOTFOUND: 'name-not-found',
  EAI_AGAIN: 'name-not-found',
  EAI_FAIL: 'name-not-found',
  ENODATA: 'name-not-found',
  ECONNREFUSED: 'connection-refused',
  ECONNRESET: 'connection-reset',
  EPIPE: 'connection-reset',
  UND_ERR_SOCKET: 'connection-reset',
  UND_ERR_ABORTED: 'connection-reset',
  UND_ERR_DESTROYED: 'connection-reset',
  UND_ERR_CLOSED: 'connection-reset',
  ETIMEDOUT: 'connect-timeout',
  EMFILE: 'out-of-descriptors',
  ENFILE: 'out-of-descriptors',
  UND_ERR_CONNECT_TIMEOUT: 'connect-timeout',
  UND_ERR_HEADERS_TIMEOUT: 'response-timeout',
  UND_ERR_BODY_TIMEOUT: 'response-timeout',
  UND_ERR_HEADERS_OVERFLOW: 'response-invalid',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'response-invalid',
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: 'headers-refused',
  UND_ERR_INVALID_ARG: 'headers-refused',
  UND_ERR_NOT_SUPPORTED: 'headers-refused',
  ERR_INVALID_CHAR: 'headers-refused',
  ERR_UNESCAPED_CHARACTERS: 'headers-refused',
  ERR_TLS_CERT_ALTNAME_INVALID: 'tls-name-mismatch',
  CERT_HAS_EXPIRED: 'tls-expired',
  CERT_NOT_YET_VALID: 'tls-expired',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'tls-untrusted',
  UNABLE_TO_GET_ISSUER_CERT: 'tls-untrusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'tls-untrusted',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'tls-untrusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'tls-untrusted',
  CERT_SIGNATURE_FAILURE: 'tls-untrusted',
  CERT_UNTRUSTED: 'tls-untrusted',
  CERT_REJECTED: 'tls-untrusted',
  CERT_REVOKED: 'tls-untrusted',
  INVALID_CA: 'tls-untrusted',
  INVALID_PURPOSE: 'tls-untrusted',
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL: 'http2-only',
  ERR_SSL_NO_APPLICATION_PROTOCOL: 'http2-only',
};

function codeOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string'
    ? thrown.code
    : undefined;
}

/** Any error of a connection to a cluster as one that has a code of ours; a CodedError stays as it is. */
export function asConnectionError(thrown: unknown): CodedError {
  for (let cause = thrown, depth = 0; depth < 5 && cause instanceof Error; cause = cause.cause, depth++) {
    if (cause instanceof CodedError) return cause;
    // Its code is missing: undici looks for it in a table that has none.
    if (cause instanceof errors.HTTPParserError)
      return new CodedError('response-invalid', undefined, { cause: thrown });
    const code = codeOf(cause);
    if (code === undefined) continue;
    if (Object.hasOwn(codes, code))
      return new CodedError(codes[code] ?? 'connection-failed', undefined, { cause: thrown });
    if (code.startsWith('HPE_')) return new CodedError('response-invalid', undefined, { cause: thrown });
    if (code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_'))
      return new CodedError('tls-failed', undefined, { cause: thrown });
  }
  // Several addresses, each of which failed: the first failure stands for all.
  if (thrown instanceof AggregateError && thrown.errors.length > 0)
    return asConnectionError(thrown.errors[0]);
  return new CodedError('connection-failed', undefined, { cause: thrown });
}
