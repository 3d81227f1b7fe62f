import type { CodedError, ErrorCode } from '../foundation/errors.ts';
import { isRecord } from '../foundation/unknownValue.ts';
import { parseClientCertificate } from './clientCertificate.ts';
import type { Credential, PluginInvocation } from './credential.ts';
import { parseTimestamp } from './parseTimestamp.ts';
import { pluginError } from './pluginError.ts';

export interface ParseExecCredentialOptions {
  readonly provider: string;
  readonly apiVersion: PluginInvocation['apiVersion'];
  /** Goes with every error (EX-15): the end of the run's stderr, redacted. */
  readonly diagnosis?: string;
}

/** Visible ASCII without angle brackets: what a header may carry (EX-14), and no markup (TH-31). */
const sendableToken = /^[\x21-\x3b=\x3f-\x7e]+$/;

/** What Go writes for "no time": client-go takes it for no expiry. */
const goZeroTime = '0001-01-01T00:00:00Z';

/**
 * Decodes what a plugin wrote on stdout. Unknown fields are ignored; a token and a pair together are both used
 * (EX-16). No error carries any of the output, nor a cause that does (JSON.parse quotes its input).
 * @throws CodedError `plugin-output-invalid` (EX-12, EX-13), `plugin-credential-incomplete`,
 *   `plugin-certificate-invalid` (EX-13), `plugin-token-invalid` (EX-14), `plugin-expiry-invalid` (EX-17)
 */
export function parseExecCredential(stdout: Uint8Array, options: ParseExecCredentialOptions): Credential {
  const fault = (code: ErrorCode, what: string): CodedError =>
    pluginError(
      code,
      options.provider,
      what,
      options.diagnosis === undefined ? {} : { diagnosis: options.diagnosis },
    );

  const status = decodeStatus(stdout, options.apiVersion, fault);
  const text = (field: string): string | undefined => {
    const value = status[field];
    if (value === undefined || value === null || value === '') return undefined;
    if (typeof value !== 'string')
      throw fault('plugin-output-invalid', `the plugin's status.${field} is not a string`);
    return value;
  };
  const token = text('token');
  const certificateText = text('clientCertificateData');
  const keyText = text('clientKeyData');
  if (token === undefined && certificateText === undefined && keyText === undefined) {
    throw fault(
      'plugin-credential-incomplete',
      'the plugin answered neither a token nor a client certificate with its key',
    );
  }
  if (token !== undefined && !sendableToken.test(token)) {
    throw fault(
      'plugin-token-invalid',
      'the plugin answered a token with characters that no header may carry',
    );
  }
  if (keyText === undefined && certificateText !== undefined) {
    throw fault('plugin-credential-incomplete', 'the plugin answered a client certificate without its key');
  }
  if (certificateText === undefined && keyText !== undefined) {
    throw fault('plugin-credential-incomplete', 'the plugin answered a client key without its certificate');
  }
  const pair =
    certificateText !== undefined && keyText !== undefined
      ? parseClientCertificate(certificateText, keyText)
      : undefined;
  if (typeof pair === 'string')
    throw fault('plugin-certificate-invalid', `${pair}, as the plugin answered it`);
  const expiresAt = decodeExpiry(status['expirationTimestamp'], fault);
  return Object.freeze({
    ...(token === undefined ? {} : { token }),
    ...(pair === undefined
      ? {}
      : { clientCertificate: Object.freeze({ certificate: pair.certificate, key: pair.key }) }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
    connectionKey: pair?.digest ?? '',
  });
}

type Fault = (code: ErrorCode, what: string) => CodedError;

function decodeStatus(
  stdout: Uint8Array,
  apiVersion: string,
  fault: Fault,
): Readonly<Record<string, unknown>> {
  if (stdout.length === 0) throw fault('plugin-output-invalid', 'the plugin wrote nothing');
  let answer: unknown;
  try {
    answer = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(stdout));
  } catch {
    throw fault('plugin-output-invalid', 'the plugin wrote something that is not JSON');
  }
  if (!isRecord(answer)) throw fault('plugin-output-invalid', 'the plugin did not write a JSON object');
  if (typeof answer['kind'] !== 'string' || typeof answer['apiVersion'] !== 'string') {
    throw fault('plugin-output-invalid', 'the plugin wrote an object without apiVersion or kind');
  }
  if (answer['kind'] !== 'ExecCredential')
    throw fault('plugin-output-invalid', 'the plugin wrote an object that is no ExecCredential');
  if (answer['apiVersion'] !== apiVersion) {
    throw fault('plugin-output-invalid', `the plugin answered in another API version than ${apiVersion}`);
  }
  const status = answer['status'];
  if (!isRecord(status))
    throw fault('plugin-output-invalid', 'the plugin answered an ExecCredential without a status');
  return status;
}

function decodeExpiry(value: unknown, fault: Fault): number | undefined {
  if (value === undefined || value === null || value === goZeroTime) return undefined;
  const expiresAt = typeof value === 'string' ? parseTimestamp(value) : undefined;
  if (expiresAt === undefined)
    throw fault('plugin-expiry-invalid', 'the plugin answered an expirationTimestamp that is not RFC 3339');
  return expiresAt;
}
