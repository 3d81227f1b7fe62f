import { cutToken } from '../identity/sessionCookie.ts';

/** The dashboard's own session cookies of the hub, as Headlamp names and cuts them (docs/headlamp-facts.md). */
export interface HubCookies {
  /** What an answer of the dashboard did to the hub's session. */
  readOutcome(setCookies: readonly string[]): SessionOutcome;
  /** A `Cookie` header by which the dashboard knows the session. */
  buildCookieHeader(token: string): string;
}

export type SessionOutcome =
  | { readonly kind: 'untouched' }
  | { readonly kind: 'cleared' }
  | {
      readonly kind: 'set';
      readonly token: string;
      readonly maxAgeSeconds: number;
      readonly secure: boolean;
    };

const defaultMaxAgeSeconds = 24 * 60 * 60;

/** @param hubContextName the dashboard's name of the hub (ID-07) */
export function createHubCookies(hubContextName: string): HubCookies {
  const prefix = `headlamp-auth-${hubContextName.replace(/[^A-Za-z0-9\-_]/g, '').slice(0, 50)}.`;

  return {
    readOutcome(setCookies) {
      const chunks = new Map<number, string>();
      let isTouched = false;
      let maxAgeSeconds = defaultMaxAgeSeconds;
      let secure = false;
      for (const line of setCookies) {
        const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
        if (!pair.startsWith(prefix)) continue;
        const at = pair.indexOf('=');
        const index = Number(pair.slice(prefix.length, at));
        if (at === -1 || !Number.isInteger(index)) continue;
        isTouched = true;
        const value = pair.slice(at + 1);
        const maxAge = attributes
          .map((each) => /^max-age=(-?\d+)$/i.exec(each)?.[1])
          .find((each) => each !== undefined);
        // The last of a name counts, as in a browser: a session may be renewed and signed out by one answer.
        if (value === '' || (maxAge !== undefined && Number(maxAge) <= 0)) {
          chunks.delete(index);
          continue;
        }
        chunks.set(index, value);
        if (maxAge !== undefined) maxAgeSeconds = Number(maxAge);
        secure ||= attributes.some((each) => each.toLowerCase() === 'secure');
      }
      if (!isTouched) return { kind: 'untouched' };
      let token = '';
      for (let index = 0; chunks.has(index); index++) token += chunks.get(index) ?? '';
      return token === '' ? { kind: 'cleared' } : { kind: 'set', token, maxAgeSeconds, secure };
    },
    buildCookieHeader: (token) =>
      cutToken(token)
        .map((chunk, index) => `${prefix}${String(index)}=${chunk}`)
        .join('; '),
  };
}
