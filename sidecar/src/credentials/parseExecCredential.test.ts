import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { codedErrorOf } from '../../test/support/codedErrorOf.ts';
import { createSelfSignedPair } from '../../test/support/selfSignedPair.ts';
import type { CodedError } from '../foundation/errors.ts';
import type { Credential } from './credential.ts';
import { parseExecCredential } from './parseExecCredential.ts';

const apiVersion = 'client.authentication.k8s.io/v1';
const envelope = { apiVersion, kind: 'ExecCredential' };
const pair = createSelfSignedPair();
const otherPair = createSelfSignedPair();

const parseText = (text: string): Credential =>
  parseExecCredential(Buffer.from(text), { provider: 'example', apiVersion, diagnosis: 'end of stderr' });
const parse = (answer: unknown): Credential => parseText(JSON.stringify(answer));
const parseStatus = (status: unknown): Credential => parse({ ...envelope, status });
const refusal = (status: unknown): Promise<CodedError> => codedErrorOf(() => parseStatus(status));

describe('parseExecCredential', () => {
  it('reads a token', () => {
    expect(parseStatus({ token: 'abc', expirationTimestamp: null })).toEqual({
      token: 'abc',
      connectionKey: '',
    });
  });

  it('[EX-16] ignores unknown fields, and uses a token and a pair together', () => {
    const credential = parse({
      ...envelope,
      extra: 1,
      spec: { interactive: true },
      status: {
        token: 'abc',
        clientCertificateData: pair.certificate,
        clientKeyData: pair.key,
        expirationTimestamp: '2026-01-02T03:04:05Z',
        unknown: {},
      },
    });
    expect(credential).toEqual({
      token: 'abc',
      clientCertificate: { certificate: pair.certificate, key: pair.key },
      expiresAt: Date.UTC(2026, 0, 2, 3, 4, 5),
      connectionKey: pair.digest,
    });
  });

  it('the connection key follows the certificate and not the token', () => {
    const keyOf = (certificate: string, key: string, token: string): string =>
      parseStatus({ clientCertificateData: certificate, clientKeyData: key, token }).connectionKey;
    const before = keyOf(pair.certificate, pair.key, 'a');
    expect(keyOf(`# a comment\n\n${pair.certificate.replaceAll('\n', '\r\n')}`, pair.key, 'b')).toBe(before);
    expect(keyOf(otherPair.certificate, otherPair.key, 'a')).not.toBe(before);
  });

  it('reads a chain, with other blocks between', () => {
    const chain = `${pair.key}${pair.certificate}${otherPair.certificate}`;
    const credential = parseStatus({
      clientCertificateData: chain,
      clientKeyData: `${otherPair.certificate}${pair.key}`,
    });
    expect(credential.clientCertificate).toEqual({
      certificate: `${pair.certificate}${otherPair.certificate}`,
      key: pair.key,
    });
  });

  it.each([
    ['nothing', '', 'nothing'],
    ['text', 'token: sesame', 'not JSON'],
    ['HTML', '<html><body>sign in</body></html>', 'not JSON'],
    ['two objects', `${JSON.stringify(envelope)}\n${JSON.stringify(envelope)}`, 'not JSON'],
    ['an array', '[]', 'not write a JSON object'],
    ['null', 'null', 'not write a JSON object'],
    [
      'no apiVersion',
      JSON.stringify({ kind: 'ExecCredential', status: { token: 'a' } }),
      'without apiVersion or kind',
    ],
    ['no kind', JSON.stringify({ apiVersion, status: { token: 'a' } }), 'without apiVersion or kind'],
    [
      'another kind',
      JSON.stringify({ apiVersion, kind: 'Token', status: { token: 'a' } }),
      'no ExecCredential',
    ],
    [
      'another version',
      JSON.stringify({
        ...envelope,
        apiVersion: 'client.authentication.k8s.io/v1beta1',
        status: { token: 'a' },
      }),
      'another API version than client.authentication.k8s.io/v1',
    ],
  ])('[EX-12] refuses %s', async (_what, text, words) => {
    const error = await codedErrorOf(() => parseText(text));
    expect(error.code).toBe('plugin-output-invalid');
    expect(error.message).toContain(words);
    expect(error.message).toContain('"example"');
    expect(error.diagnosis).toBe('end of stderr');
  });

  it('[EX-12] refuses bytes that are not UTF-8', async () => {
    const answer = Buffer.from(JSON.stringify({ ...envelope, status: { token: 'aXb' } }));
    answer[answer.indexOf('X')] = 0xff;
    const error = await codedErrorOf(() => parseExecCredential(answer, { provider: 'example', apiVersion }));
    expect(error.code).toBe('plugin-output-invalid');
  });

  it.each([
    ['no status', undefined, 'plugin-output-invalid'],
    ['null', null, 'plugin-output-invalid'],
    ['an empty status', {}, 'plugin-credential-incomplete'],
    [
      'empty texts',
      { token: '', clientCertificateData: '', clientKeyData: null },
      'plugin-credential-incomplete',
    ],
    ['a token that is a number', { token: 7 }, 'plugin-output-invalid'],
    ['a certificate alone', { clientCertificateData: pair.certificate }, 'plugin-credential-incomplete'],
    [
      'a certificate without key beside a token',
      { token: 'a', clientCertificateData: pair.certificate },
      'plugin-credential-incomplete',
    ],
    ['a key alone', { clientKeyData: pair.key }, 'plugin-credential-incomplete'],
    [
      'a key without certificate beside a token',
      { token: 'a', clientKeyData: pair.key },
      'plugin-credential-incomplete',
    ],
    ['no PEM', { clientCertificateData: 'x', clientKeyData: pair.key }, 'plugin-certificate-invalid'],
    [
      'base64 of PEM',
      { clientCertificateData: btoa(pair.certificate), clientKeyData: btoa(pair.key) },
      'plugin-certificate-invalid',
    ],
    [
      'a key that is no PEM',
      { clientCertificateData: pair.certificate, clientKeyData: 'x' },
      'plugin-certificate-invalid',
    ],
    [
      'a certificate that cannot be parsed',
      {
        clientCertificateData: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----',
        clientKeyData: pair.key,
      },
      'plugin-certificate-invalid',
    ],
    [
      'a key that cannot be parsed',
      {
        clientCertificateData: pair.certificate,
        clientKeyData: '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----',
      },
      'plugin-certificate-invalid',
    ],
    [
      'a broken certificate further down the chain',
      {
        clientCertificateData: `${pair.certificate}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----`,
        clientKeyData: pair.key,
      },
      'plugin-certificate-invalid',
    ],
  ])('[EX-13] refuses %s', async (_what, status, code) => {
    expect((await refusal(status)).code).toBe(code);
  });

  it('[EX-13, TH-31] refuses the key of another pair', async () => {
    const error = await refusal({ clientCertificateData: pair.certificate, clientKeyData: otherPair.key });
    expect(error.code).toBe('plugin-certificate-invalid');
    expect(error.message).toContain('do not match');
    expect(error.message).toContain('"example"');
  });

  it.each([
    'a\r\nX-Injected: 1',
    'a\n',
    ' a',
    'a b',
    'a\tb',
    'a\u0000',
    'a\u007f',
    'tökén',
    '令牌',
    '<b>token</b>',
  ])('[EX-14, TH-31] refuses the token %j', async (token) => {
    const error = await refusal({ token });
    expect(error.code).toBe('plugin-token-invalid');
    expect(error.message).toBe(
      'Provider "example": the plugin answered a token with characters that no header may carry',
    );
  });

  it('[EX-14] takes every character that tokens are made of', () => {
    const token = 'AZaz09-._~+/=:!#$%&()*,;?@[]^{|}"\'\\`';
    expect(parseStatus({ token }).token).toBe(token);
  });

  it.each(['', 'soon', '2026-02-30T00:00:00Z', 1767323045, {}, false])(
    '[EX-17] refuses the expiry %j',
    async (expirationTimestamp) => {
      expect((await refusal({ token: 'a', expirationTimestamp })).code).toBe('plugin-expiry-invalid');
    },
  );

  it('takes Go’s zero time for no expiry, as client-go does', () => {
    expect(parseStatus({ token: 'a', expirationTimestamp: '0001-01-01T00:00:00Z' })).toEqual({
      token: 'a',
      connectionKey: '',
    });
  });

  it.each([
    ['cut JSON', `{"status":{"token":"CANARY`],
    ['a token that cannot be sent', JSON.stringify({ ...envelope, status: { token: 'CANARY CANARY' } })],
    [
      'an expiry',
      JSON.stringify({ ...envelope, status: { token: 'CANARY', expirationTimestamp: 'CANARY' } }),
    ],
    [
      'a pair',
      JSON.stringify({
        ...envelope,
        status: { clientCertificateData: pair.certificate, clientKeyData: `CANARY${otherPair.key}` },
      }),
    ],
    ['a kind', JSON.stringify({ apiVersion, kind: 'CANARY', status: {} })],
    ['a version', JSON.stringify({ ...envelope, apiVersion: 'CANARY', status: {} })],
  ])('[EX-12, TH-31] tells nothing of the output, in no part of the error: %s', async (_what, text) => {
    const error = await codedErrorOf(() => parseText(text));
    expect(inspect(error, { depth: 10 })).not.toContain('CANARY');
  });
});
