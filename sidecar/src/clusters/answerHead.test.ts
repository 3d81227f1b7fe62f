import { expect, it } from 'vitest';
import { type AnswerHeaders, readAnswerHead, readField } from './answerHead.ts';

const bytes = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code));

/** Undefined for what is refused. */
function attempt<Read>(read: () => Read): Read | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

const headersOf = (...lines: string[]): AnswerHeaders | undefined =>
  attempt(() => readAnswerHead(['HTTP/1.1 200 OK', ...lines].join('\r\n')).headers);

const isField = (line: string): boolean => attempt(() => readField(line)) !== undefined;

it('[PX-24] a field may hold what RFC 9110 says, and nothing else', () => {
  const held = (form: (byte: string) => string): string =>
    bytes.filter((byte) => isField(form(byte))).join('');
  expect(held((byte) => `a${byte}b:`)).toBe(
    "!#$%&'*+-.0123456789:ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~",
  );
  expect(held((byte) => `a:b${byte}c`)).toBe(
    bytes.filter((byte) => byte === '\t' || (byte >= ' ' && byte !== '\x7f')).join(''),
  );
  expect(isField(':a') || isField('a') || isField('')).toBe(false);
});

it('[PX-24, TH-45] a head has the fields that its lines are one by one, and is none where one of them is none', () => {
  for (const byte of bytes)
    for (const line of [`${byte}a: b`, `a${byte}: b`, `a:${byte}b`, `a: b${byte}c`, `a: b${byte}`, byte]) {
      const field = attempt(() => readField(line));
      const name = JSON.stringify(line);
      expect(headersOf(line), name).toEqual(field);
      expect(headersOf('x: y', line, 'z:'), name).toEqual(field && ['x', 'y', ...field, 'z', '']);
    }
});

it('[PX-24] lines end in CRLF alone, the first one, too', () => {
  for (const end of ['\r', '\n', '\r\r\n', '\n\r\n', '\r\n\r\n', '\r\n \r\n']) {
    expect(attempt(() => readAnswerHead(`HTTP/1.1 200 OK${end}a: b`))).toBeUndefined();
    expect(headersOf(`a: b${end}c: d`)).toBeUndefined();
  }
  expect(headersOf('')).toBeUndefined();
  expect(headersOf()).toEqual([]);
});

it('[PX-42] a head as long as any limit is read, or refused', () => {
  const lines = Array.from({ length: 20_000 }, () => 'a: b');
  expect(headersOf(...lines)).toHaveLength(40_000);
  expect(headersOf(...lines, '')).toBeUndefined();
  expect(headersOf(`a:${' '.repeat(1_000_000)}\0`)).toBeUndefined();
});
