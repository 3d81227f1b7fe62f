import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';

/** A throw-away certificate with its key, as PEM: for tests that need a pair which belongs together. */
export interface SelfSignedPair {
  readonly certificate: string;
  readonly key: string;
  /** SHA-256 of the certificate's binary form, in hexadecimal. */
  readonly digest: string;
}

const der = (tag: number, ...contents: Buffer[]): Buffer => {
  const content = Buffer.concat(contents);
  const { length } = content;
  const lengthBytes =
    length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...lengthBytes]), content]);
};
const sequence = (...contents: Buffer[]): Buffer => der(0x30, ...contents);
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));
const utcTime = (text: string): Buffer => der(0x17, Buffer.from(text));

export interface PairOptions {
  /** IPv4 addresses and names that the certificate is for. */
  readonly addresses?: readonly string[];
  readonly names?: readonly string[];
  /** As `YYMMDDhhmmssZ`. */
  readonly notAfter?: string;
  /** Who signs it; itself without one. */
  readonly issuer?: { readonly commonName: string; readonly key: string };
}

function alternativeNames({ addresses = [], names = [] }: PairOptions): Buffer[] {
  const all = [
    ...addresses.map((address) => der(0x87, Buffer.from(address.split('.').map(Number)))),
    ...names.map((name) => der(0x82, Buffer.from(name))),
  ];
  return all.length === 0 ? [] : [der(0xa3, sequence(sequence(oid('551d11'), der(0x04, sequence(...all)))))];
}

export function createSelfSignedPair(commonName = 'user', options: PairOptions = {}): SelfSignedPair {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'));
  const nameOf = (text: string): Buffer =>
    sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(text)))));
  const serial = Buffer.from([1, ...randomBytes(8)]);
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, serial),
    ecdsaWithSha256,
    nameOf(options.issuer?.commonName ?? commonName),
    sequence(utcTime('200101000000Z'), utcTime(options.notAfter ?? '491231235959Z')),
    nameOf(commonName),
    publicKey.export({ type: 'spki', format: 'der' }),
    ...alternativeNames(options),
  );
  const certificate = sequence(
    body,
    ecdsaWithSha256,
    der(0x03, Buffer.from([0]), sign('sha256', body, options.issuer?.key ?? privateKey)),
  );
  const lines = certificate.toString('base64').replace(/.{64}/g, '$&\n');
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${lines.trim()}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    digest: createHash('sha256').update(certificate).digest('hex'),
  };
}
