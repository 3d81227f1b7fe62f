import { generateKeyPairSync, randomUUID, sign, type JsonWebKey, type KeyObject } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { stringify } from 'yaml';
import { createCertificateAuthority } from './certificates.ts';

export interface IdTokenOptions {
  readonly sub: string;
  readonly groups?: readonly string[];
  readonly email?: string;
  /**
   * 600 if not told; one that is negative makes a token that has expired. An API server that has seen a token goes on
   * taking it for up to 10 s, past its expiry too.
   */
  readonly expiresInSeconds?: number;
  /** The issuer's if not told. */
  readonly audience?: string;
}

export interface OidcIssuer {
  /** Of the issuer, as in `iss`. */
  readonly url: string;
  /** PEM: what its clients trust. */
  readonly ca: string;
  /** Whom its tokens are for. */
  readonly audience: string;
  /** An ID token, signed with the newest key. */
  issue(options: IdTokenOptions): string;
  /** Signs with a new key from now on. The old one stays published unless it is dropped. */
  rotateKey(options?: { readonly dropOld?: boolean }): void;
  stop(): Promise<void>;
}

/** An OIDC issuer on loopback, as far as an API server needs one: discovery, keys, and tokens for whoever is named. */
export async function startOidcIssuer({
  audience = 'cluster-inventory',
}: { readonly audience?: string } = {}): Promise<OidcIssuer> {
  const authority = await createCertificateAuthority('OIDC CA');
  const serving = await authority.issueServer({ dns: ['localhost'], ips: ['127.0.0.1'] });
  let key = createSigningKey();
  let published = [key.jwk];
  const server = createServer({ cert: serving.certificate, key: serving.key }, (request, response) => {
    const document = documents[request.url ?? '']?.();
    response.writeHead(document ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(document ?? { error: 'not_found' }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const documents: Readonly<Record<string, () => object>> = {
    '/.well-known/openid-configuration': () => ({
      issuer: url,
      jwks_uri: `${url}/keys`,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256'],
    }),
    '/keys': () => ({ keys: published }),
  };
  return {
    url,
    ca: authority.certificate,
    audience,
    issue: ({ expiresInSeconds = 600, audience: aud = audience, ...claims }) => {
      const now = Math.floor(Date.now() / 1000);
      const exp = now + expiresInSeconds;
      return key.sign({ iss: url, aud, iat: Math.min(now, exp - 1), exp, jti: randomUUID(), ...claims });
    },
    rotateKey: ({ dropOld = false } = {}) => {
      key = createSigningKey();
      published = [key.jwk, ...(dropOld ? [] : published)];
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/**
 * Writes a structured AuthenticationConfiguration that trusts the issuer, with the prefix `oidc:` for users (from
 * `sub`) and groups, and answers the arguments for an API server. Static tokens, client certificates, ServiceAccounts and
 * `--anonymous-auth` stay as they are: only the file's own `anonymous` would exclude that flag.
 */
export function writeAuthenticationConfig(
  file: string,
  { url, ca, audience }: Pick<OidcIssuer, 'url' | 'ca' | 'audience'>,
): readonly string[] {
  const config = {
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'AuthenticationConfiguration',
    jwt: [
      {
        issuer: { url, certificateAuthority: ca, audiences: [audience] },
        claimMappings: {
          username: { claim: 'sub', prefix: 'oidc:' },
          groups: { claim: 'groups', prefix: 'oidc:' },
        },
      },
    ],
  };
  writeFileSync(file, stringify(config, { lineWidth: 0 }), { mode: 0o600 });
  return [`--authentication-config=${file}`];
}

interface SigningKey {
  readonly jwk: JsonWebKey;
  sign(claims: object): string;
}

function createSigningKey(): SigningKey {
  const { privateKey, publicKey }: { privateKey: KeyObject; publicKey: KeyObject } = generateKeyPairSync(
    'ec',
    {
      namedCurve: 'P-256',
    },
  );
  const kid = randomUUID();
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
  return {
    jwk: { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'ES256' },
    sign: (claims) => {
      const signed = `${encode({ alg: 'ES256', typ: 'JWT', kid })}.${encode(claims)}`;
      // JWS takes the two numbers one after the other, not DER.
      const signature = sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' });
      return `${signed}.${signature.toString('base64url')}`;
    },
  };
}
