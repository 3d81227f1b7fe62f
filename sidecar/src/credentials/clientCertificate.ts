import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';

export interface ClientCertificate {
  /** The chain, leaf first: only its certificates, whatever else the plugin wrote around them. */
  readonly certificate: string;
  readonly key: string;
  /** Over the chain in its binary form, so that white space makes no difference. */
  readonly digest: string;
}

const certificateBlock = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;
const keyBlock = /-----BEGIN ((?:[A-Z0-9]+ )*PRIVATE KEY)-----[\s\S]+?-----END \1-----/;

/**
 * Reads a pair as Go's `tls.X509KeyPair` does: every certificate of the one text, the first key of the other,
 * anything between them skipped. Returns what is wrong, in words, when the pair cannot be used (EX-13).
 */
export function parseClientCertificate(certificateText: string, keyText: string): ClientCertificate | string {
  const blocks = certificateText.match(certificateBlock);
  if (!blocks) return 'the client certificate is not PEM';
  const keyPem = keyBlock.exec(keyText)?.[0];
  if (keyPem === undefined) return 'the client key is not PEM';
  // Errors of OpenSSL are not passed on: they say nothing that helps, and come from reading a secret.
  let chain: readonly X509Certificate[];
  try {
    chain = blocks.map((block) => new X509Certificate(block));
  } catch {
    return 'the client certificate cannot be parsed';
  }
  const certificate = blocks.map((block) => `${block}\n`).join('');
  const key = `${keyPem}\n`;
  try {
    const privateKey = createPrivateKey(key);
    if (chain[0]?.checkPrivateKey(privateKey) !== true)
      return 'the client certificate and the client key do not match';
  } catch {
    return 'the client key cannot be parsed';
  }
  try {
    createSecureContext({ cert: certificate, key });
  } catch {
    return 'the client certificate cannot be used for TLS';
  }
  const hash = createHash('sha256');
  for (const each of chain) hash.update(each.raw);
  return { certificate, key, digest: hash.digest('hex') };
}
