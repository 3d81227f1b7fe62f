import { describe, expect, it } from 'vitest';
import { buildSessionCookies, dropSessionCookies, readSessionToken } from './sessionCookie.ts';

const options = { basePath: '/base', secure: true, maxAgeSeconds: 100 };
const token = Array.from({ length: 9_000 }, (_, index) => String.fromCharCode(97 + (index % 26))).join('');

/** What a browser sends after it got these. */
function send(setCookies: readonly string[], jar = new Map<string, string>()): string {
  for (const line of setCookies) {
    const [pair = ''] = line.split(';');
    const [name = '', value = ''] = pair.split('=');
    if (line.includes('Max-Age=0')) jar.delete(name);
    else jar.set(name, value);
  }
  return [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
}

describe('a session', () => {
  it('ID-04: of 9,000 bytes is in three cookies that browsers keep, and comes back whole', () => {
    const lines = buildSessionCookies(token, undefined, options);
    expect(lines.map((line) => line.split('=', 1)[0])).toEqual([
      'cluster-inventory-session.0',
      'cluster-inventory-session.1',
      'cluster-inventory-session.2',
    ]);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(4_096);
    expect(readSessionToken(send(lines))).toBe(token);
    expect(readSessionToken(send([...lines].reverse()))).toBe(token);
  });

  it('ID-04: is for everything below the base path, unseen by scripts and other sites', () => {
    expect(buildSessionCookies('t', undefined, options)).toEqual([
      'cluster-inventory-session.0=t; Path=/base/; Max-Age=100; HttpOnly; SameSite=Strict; Secure',
    ]);
    expect(buildSessionCookies('t', undefined, { basePath: '', secure: false, maxAgeSeconds: 100 })).toEqual([
      'cluster-inventory-session.0=t; Path=/; Max-Age=100; HttpOnly; SameSite=Strict',
    ]);
  });

  it('ID-04: that is shorter than the one before leaves nothing of it', () => {
    const jar = new Map<string, string>();
    send(buildSessionCookies(token, undefined, options), jar);
    const lines = buildSessionCookies('short', token, options);
    expect(lines.slice(1)).toEqual([
      'cluster-inventory-session.1=; Path=/base/; Max-Age=0; HttpOnly; SameSite=Strict; Secure',
      'cluster-inventory-session.2=; Path=/base/; Max-Age=0; HttpOnly; SameSite=Strict; Secure',
    ]);
    expect(send(lines, jar)).toBe('cluster-inventory-session.0=short');
  });

  it('ID-04: that ends leaves nothing at all', () => {
    const jar = new Map<string, string>();
    send(buildSessionCookies(token, undefined, options), jar);
    expect(send(buildSessionCookies('', token, options), jar)).toBe('');
  });

  it('ID-04: ends at the first chunk that is missing', () => {
    expect(readSessionToken('cluster-inventory-session.0=a; cluster-inventory-session.2=c')).toBe('a');
    expect(readSessionToken(undefined)).toBeUndefined();
  });

  it('ID-04: of endlessly many chunks is read up to a bound', () => {
    const header = Array.from({ length: 50 }, (_, index) => `cluster-inventory-session.${index}=a`).join(';');
    expect(readSessionToken(header)).toBe('a'.repeat(20));
  });
});

describe('who is behind', () => {
  it('ID-04: gets the other cookies as they are', () => {
    expect(
      dropSessionCookies('a=1; cluster-inventory-session.0=x; b="2; 3";cluster-inventory-session.1=y;c'),
    ).toBe('a=1; b="2; 3";c');
  });

  it('ID-04: gets no header where nothing is left', () => {
    expect(
      dropSessionCookies('cluster-inventory-session.0=x; cluster-inventory-session.1=y'),
    ).toBeUndefined();
  });

  it('ID-04: gets a cookie that is only called alike', () => {
    expect(dropSessionCookies('cluster-inventory-sessions=x')).toBe('cluster-inventory-sessions=x');
  });
});
