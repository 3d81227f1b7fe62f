import { describe, expect, it } from 'vitest';
import { REASON_MAX_CHARS, shortenReason } from './shortenReason.ts';

function countCharacters(text: string): number {
  return [...new Intl.Segmenter().segment(text)].length;
}

describe('shortenReason', () => {
  it('UI-16: says the reason with since when', () => {
    expect(shortenReason('Secret fleet/eu-prod-3 not found', '12m')).toBe(
      'Secret fleet/eu-prod-3 not found · 12m',
    );
  });

  it('says the reason alone when nobody knows since when', () => {
    expect(shortenReason('no such host', undefined)).toBe('no such host');
  });

  it('UI-16: cuts to 80 characters and keeps the age whole', () => {
    const text = shortenReason('x'.repeat(200), '12m');
    expect(countCharacters(text)).toBe(80);
    expect(text).toMatch(/^x+… · 12m$/);
  });

  it('leaves what just fits, and cuts what is one longer', () => {
    const fits = 'y'.repeat(REASON_MAX_CHARS);
    expect(shortenReason(fits, undefined)).toBe(fits);
    expect(shortenReason(`${fits}y`, undefined)).toBe(`${'y'.repeat(REASON_MAX_CHARS - 1)}…`);
  });

  it('never cuts a character that people see as one', () => {
    const family = '👩‍👩‍👧';
    expect(shortenReason(family.repeat(REASON_MAX_CHARS), undefined)).toBe(family.repeat(REASON_MAX_CHARS));
    expect(shortenReason(family.repeat(100), '1h')).toBe(`${family.repeat(74)}… · 1h`);
  });

  it('leaves no space before the ellipsis', () => {
    expect(shortenReason(`${'z'.repeat(78)} zz`, undefined)).toBe(`${'z'.repeat(78)}…`);
  });

  it('makes one line of several', () => {
    expect(shortenReason('  dial tcp:\n\ttimeout\r\n', '3s')).toBe('dial tcp: timeout · 3s');
  });
});
