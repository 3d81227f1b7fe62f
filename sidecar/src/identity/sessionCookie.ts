/** The sidecar's own copy of the hub's session, for everything below the base path (ID-04). */
export const sessionCookieName = 'cluster-inventory-session';

/** As Headlamp's own: browsers keep 4,096 bytes a cookie, its name and attributes included. */
const chunkBytes = 3800;
const maxChunks = 20;

/**
 * The token of a `Cookie` header, put together up to the first chunk that is missing; undefined where there is none.
 */
export function readSessionToken(header: string | undefined): string | undefined {
  if (!header?.includes(`${sessionCookieName}.0=`)) return undefined;
  const cookies = new Map<string, string>();
  for (const part of header.split(';')) {
    const at = part.indexOf('=');
    const key = part.slice(0, at).trim();
    // The first wins: browsers send the cookie of the longest path first.
    if (at !== -1 && !cookies.has(key)) cookies.set(key, part.slice(at + 1).trim());
  }
  let token = '';
  for (let index = 0; index < maxChunks; index++) {
    const chunk = cookies.get(`${sessionCookieName}.${String(index)}`);
    if (chunk === undefined) break;
    token += chunk;
  }
  return token === '' ? undefined : token;
}

/** As the values of the cookies `<name>.0`, `<name>.1` and so on. */
export function cutToken(token: string): readonly string[] {
  return token.match(new RegExp(`.{1,${String(chunkBytes)}}`, 'g')) ?? [];
}

export interface SessionCookieOptions {
  readonly basePath: string;
  readonly secure: boolean;
  readonly maxAgeSeconds: number;
}

/** `Set-Cookie` values: the token in chunks, and what is left of a longer one before it cleared. */
export function buildSessionCookies(
  token: string,
  previous: string | undefined,
  { basePath, secure, maxAgeSeconds }: SessionCookieOptions,
): string[] {
  const attributes = (maxAge: number): string =>
    `Path=${basePath}/; Max-Age=${String(maxAge)}; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`;
  const chunks = cutToken(token);
  const count = cutToken(previous ?? '').length;
  const cleared = Array.from(
    { length: Math.max(0, count - chunks.length) },
    (_, index) => chunks.length + index,
  );
  return [
    ...chunks.map(
      (chunk, index) => `${sessionCookieName}.${String(index)}=${chunk}; ${attributes(maxAgeSeconds)}`,
    ),
    ...cleared.map((index) => `${sessionCookieName}.${String(index)}=; ${attributes(0)}`),
  ];
}

/** The header without the cookies of this name, for where they are nobody's business; undefined when nothing is left. */
export function dropSessionCookies(header: string): string | undefined {
  const kept = header
    .split(';')
    .filter((part) => !part.trim().startsWith(`${sessionCookieName}.`))
    .join(';')
    .trim();
  return kept === '' ? undefined : kept;
}
