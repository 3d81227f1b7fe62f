/** When a JWT says that it ends, in milliseconds. Only ever shortens a memory: the hub alone decides what is valid. */
export function readTokenExpiry(token: string): number {
  const payload = token.split('.')[1];
  if (payload === undefined) return Infinity;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    const expiry = typeof claims === 'object' && claims !== null && 'exp' in claims ? claims.exp : undefined;
    return typeof expiry === 'number' ? expiry * 1000 : Infinity;
  } catch {
    return Infinity;
  }
}
