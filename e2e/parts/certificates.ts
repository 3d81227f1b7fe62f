import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';

export interface CertificateAndKey {
  /** PEM. */
  readonly certificate: string;
  /** PEM, PKCS#8. */
  readonly key: string;
}

export interface CertificateAuthority {
  /** PEM. */
  readonly certificate: string;
  issueServer(names: {
    readonly dns: readonly string[];
    readonly ips: readonly string[];
  }): Promise<CertificateAndKey>;
  /** For Kubernetes the common name is the user and each organization a group. Lasts `lifetimeMs`, one day if not told. */
  issueClient(options: ClientCertificateOptions): Promise<CertificateAndKey>;
}

export interface ClientCertificateOptions {
  readonly commonName: string;
  readonly organizations?: readonly string[];
  readonly lifetimeMs?: number;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const dayMs = 86_400_000;

/** A certificate authority that lives in memory, for one cluster of a test or a demo. */
export async function createCertificateAuthority(commonName: string): Promise<CertificateAuthority> {
  const keys = await generateKeys();
  const ca = await X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [commonName] }],
    keys,
    signingAlgorithm: algorithm,
    ...validFor(30 * dayMs),
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  const issue = async (
    subject: readonly Record<string, string[]>[],
    usage: ExtendedKeyUsage,
    lifetimeMs: number,
    alternativeNames: SubjectAlternativeNameExtension[] = [],
  ): Promise<CertificateAndKey> => {
    const own = await generateKeys();
    const certificate = await X509CertificateGenerator.create({
      subject: [...subject],
      issuer: ca.subjectName,
      publicKey: own.publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: algorithm,
      ...validFor(lifetimeMs),
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([usage]),
        ...alternativeNames,
      ],
    });
    return { certificate: `${certificate.toString('pem')}\n`, key: await exportKey(own.privateKey) };
  };
  return {
    certificate: `${ca.toString('pem')}\n`,
    issueServer: ({ dns, ips }) =>
      issue([{ CN: ['server'] }], ExtendedKeyUsage.serverAuth, 7 * dayMs, [
        new SubjectAlternativeNameExtension([
          ...dns.map((value) => ({ type: 'dns' as const, value })),
          ...ips.map((value) => ({ type: 'ip' as const, value })),
        ]),
      ]),
    issueClient: ({ commonName: user, organizations = [], lifetimeMs = dayMs }) =>
      issue(
        [...organizations.map((name) => ({ O: [name] })), { CN: [user] }],
        ExtendedKeyUsage.clientAuth,
        lifetimeMs,
      ),
  };
}

function validFor(lifetimeMs: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(Date.now() - 3_600_000), notAfter: new Date(Date.now() + lifetimeMs) };
}

async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  return `-----BEGIN PRIVATE KEY-----\n${der.toString('base64').replace(/.{64}/g, '$&\n').trimEnd()}\n-----END PRIVATE KEY-----\n`;
}
