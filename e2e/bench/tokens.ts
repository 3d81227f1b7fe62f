/** Tokens of the bench's users: as long as those of an API server or an issuer, and readable by the fake hub. */
const payloadPadding = 'x'.repeat(500);
const signature = 's'.repeat(342);

export function buildToken(user: string): string {
  const claims = { sub: user, exp: 4_000_000_000, padding: payloadPadding };
  return `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}`;
}

/** Undefined for junk. */
export function readUser(token: string): string | undefined {
  const [, payload, end] = token.split('.');
  if (payload === undefined || end !== signature) return undefined;
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as { readonly sub: string };
  return claims.sub;
}
