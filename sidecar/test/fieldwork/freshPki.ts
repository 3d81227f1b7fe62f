import { asArray, asRecord } from '../../src/foundation/unknownValue.ts';
import { createIssuedPair, createSelfSignedPair, type SelfSignedPair } from '../support/selfSignedPair.ts';
import { readFixture, readObjects } from './fixtureFiles.ts';

/** The certificates of the field's profiles made anew, with their keys, so that a server can be what the profiles say. */
export type FreshPki = Readonly<
  Record<'root' | 'intermediate' | 'leaf' | 'leaf-of-intermediate', SelfSignedPair>
>;

/** Names and addresses of every server certificate. */
export const serverNames = {
  addresses: ['127.0.0.1'],
  names: ['localhost', 'spoke.example.com', 'cluster-proxy-addon-user.open-cluster-management-addon'],
};

export function createFreshPki(): FreshPki {
  const root = createSelfSignedPair('fieldwork-root', { isAuthority: true });
  const intermediate = createIssuedPair(root, 'fieldwork-intermediate', { isAuthority: true });
  return {
    root,
    intermediate,
    leaf: createIssuedPair(root, 'cluster-proxy-addon-user', serverNames),
    'leaf-of-intermediate': createIssuedPair(intermediate, 'spoke-behind-intermediate', serverNames),
  };
}

/** Certificate authority data with each certificate exchanged for the fresh one; its line ends stay. */
export function refillCaData(data: string, pki: FreshPki): string {
  const text = Buffer.from(data, 'base64').toString('latin1');
  const lineEnd = text.includes('\r\n') ? '\r\n' : '\n';
  let exchanged = text.replaceAll('\r\n', '\n');
  for (const [name, { certificate }] of Object.entries(pki))
    exchanged = exchanged.replaceAll(readFixture(`pki/${name}.pem`).trim(), certificate.trim());
  if (exchanged === text.replaceAll('\r\n', '\n')) throw new Error('no certificate of the field in it');
  return Buffer.from(exchanged.replaceAll('\n', lineEnd)).toString('base64');
}

/** What a profile of the field publishes for its first provider, for a server of the test. */
export function refillCluster(
  { file, profile }: { readonly file: string; readonly profile: string },
  port: number,
  pki: FreshPki,
): object {
  const found = readObjects(`profiles/${file}`)
    .map(asRecord)
    .find(({ metadata }) => asRecord(metadata)['name'] === profile);
  const cluster = asRecord(asRecord(asArray(asRecord(found?.['status'])['accessProviders'])[0])['cluster']);
  const { pathname } = new URL(String(cluster['server']));
  return {
    ...cluster,
    server: `https://127.0.0.1:${port}${pathname}`,
    'certificate-authority-data': refillCaData(String(cluster['certificate-authority-data']), pki),
  };
}
