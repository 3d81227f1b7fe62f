import { describe, expect, it } from 'vitest';
import { CodedError } from '../foundation/errors.ts';
import { asConnectionError } from './connectErrors.ts';

const withCode = (code: string, cause?: unknown): Error =>
  Object.assign(new Error('10.1.2.3 said no', { cause }), { code });

describe('[FA-30] an error of a connection', () => {
  it.each([
    ['ENOTFOUND', 'name-not-found'],
    ['EAI_AGAIN', 'name-not-found'],
    ['ECONNREFUSED', 'connection-refused'],
    ['UND_ERR_SOCKET', 'connection-reset'],
    ['UND_ERR_HEADERS_TIMEOUT', 'response-timeout'],
    ['CERT_HAS_EXPIRED', 'tls-expired'],
    ['HPE_INVALID_CONSTANT', 'response-invalid'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'tls-failed'],
    ['EHOSTUNREACH', 'connection-failed'],
    ['EMFILE', 'out-of-descriptors'],
    ['__proto__', 'connection-failed'],
  ])('%s is %s, without its message', (code, expected) => {
    const error = asConnectionError(withCode(code));
    expect(error.code).toBe(expected);
    expect(error.message).not.toContain('10.1.2.3');
  });

  it('is known by its causes too, and by the first of several addresses', () => {
    expect(asConnectionError(new TypeError('x', { cause: withCode('ECONNREFUSED') })).code).toBe(
      'connection-refused',
    );
    expect(
      asConnectionError(new AggregateError([withCode('ECONNREFUSED'), withCode('EHOSTUNREACH')])).code,
    ).toBe('connection-refused');
  });

  it('keeps a coded one, also below another', () => {
    const coded = new CodedError('server-address-refused');
    expect(asConnectionError(coded)).toBe(coded);
    expect(asConnectionError(new Error('x', { cause: coded }))).toBe(coded);
  });

  it('is connection-failed where nothing is known', () => {
    expect(asConnectionError('text').code).toBe('connection-failed');
  });
});
