/** What `GET /clusters/<name>/me` answers for a token: its claims, unverified, as Headlamp gives them. */
export function describeUser(token: string | undefined, nowMs: number): { status: number; body: unknown } {
  if (token === undefined) return { status: 401, body: { message: 'unauthorized' } };
  const claims = decodeClaims(token);
  if (claims === undefined) return { status: 401, body: { message: 'invalid token' } };
  if (typeof claims['exp'] !== 'number' || claims['exp'] * 1_000 < nowMs) {
    return { status: 401, body: { message: 'token expired' } };
  }
  const username =
    claims['preferred_username'] ?? claims['upn'] ?? claims['username'] ?? claims['name'] ?? '';
  return { status: 200, body: { username, email: claims['email'] ?? '', groups: claims['groups'] ?? [] } };
}

/** The claims of a JWT, unverified; undefined for any other token. */
export function decodeClaims(token: string): Record<string, unknown> | undefined {
  const payload = token.split('.')[1];
  if (payload === undefined) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    return typeof claims === 'object' && claims !== null ? { ...claims } : undefined;
  } catch {
    return undefined;
  }
}
