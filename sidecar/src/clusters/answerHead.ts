import { CodedError } from '../foundation/errors.ts';

/** Names and values as they came: repeated ones stay repeated, names keep their case (PX-10). */
export type AnswerHeaders = readonly (readonly [name: string, value: string])[];

export interface AnswerHead {
  readonly status: number;
  /** Empty where there is none. */
  readonly reason: string;
  readonly headers: AnswerHeaders;
}

export interface ReadHead extends AnswerHead {
  /** Bytes of the body where they are said, or how its end is found (RFC 9112, 6.3). */
  readonly body: number | 'chunked' | 'until-close';
  /** Whether another request may use the connection after this answer. */
  readonly keepsAlive: boolean;
  /** How long the server keeps an unused connection, in seconds, where it says so. */
  readonly keepAliveSeconds: number | undefined;
}

const tokenPattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Anything but what a field's value may hold (RFC 9110, 5.5). */
const illegalText = /[^\t\x20-\x7e\x80-\xff]/;
const statusLine = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: (.*))?$/;

/**
 * A head without the empty line at its end, one character a byte. What two readers could take for different things is
 * refused: two lengths, a length and a coding, a coding that is not `chunked`.
 * @throws CodedError `response-invalid`
 */
export function readAnswerHead(text: string): ReadHead {
  const lines = text.split('\r\n');
  const [, minor, status = '', reason = ''] = statusLine.exec(lines[0] ?? '') ?? [];
  if (minor === undefined) throw invalidAnswer();
  const headers: (readonly [string, string])[] = [];
  let length: string | undefined;
  let isChunked = false;
  let closes = minor === '0';
  let hint = '';
  for (let index = 1; index < lines.length; index++) {
    const field = readField(lines[index] ?? '');
    headers.push(field);
    const [name, value] = field;
    // Of these lengths are all names that say how it goes on.
    if (name.length !== 10 && name.length !== 14 && name.length !== 17) continue;
    switch (name.toLowerCase()) {
      case 'content-length':
        if (length !== undefined || !/^\d{1,15}$/.test(value)) throw invalidAnswer();
        length = value;
        break;
      case 'transfer-encoding':
        if (isChunked || value.toLowerCase() !== 'chunked' || minor === '0') throw invalidAnswer();
        isChunked = true;
        break;
      case 'connection':
        closes ||= value.split(',').some((token) => token.trim().toLowerCase() === 'close');
        break;
      case 'keep-alive':
        hint = value;
        break;
    }
  }
  if (length !== undefined && isChunked) throw invalidAnswer();
  return {
    status: Number(status),
    reason,
    headers,
    body: isChunked ? 'chunked' : length === undefined ? 'until-close' : Number(length),
    keepsAlive: !closes,
    keepAliveSeconds: hint === '' ? undefined : readKeepAlive(hint),
  };
}

/** One line of a head or of trailers; nothing is folded (RFC 9112, 5.2). @throws CodedError `response-invalid` */
export function readField(line: string): readonly [name: string, value: string] {
  const colon = line.indexOf(':');
  const name = line.slice(0, Math.max(colon, 0));
  if (!tokenPattern.test(name)) throw invalidAnswer();
  let start = colon + 1;
  let end = line.length;
  while (start < end && isBlank(line.charCodeAt(start))) start++;
  while (end > start && isBlank(line.charCodeAt(end - 1))) end--;
  const value = line.slice(start, end);
  if (illegalText.test(value)) throw invalidAnswer();
  return [name, value];
}

/** What is behind the size of a chunk may be anything that a value may be. */
export function isFieldText(text: string): boolean {
  return !illegalText.test(text);
}

export function invalidAnswer(): CodedError {
  return new CodedError('response-invalid');
}

function readKeepAlive(hint: string): number | undefined {
  const seconds = /(?:^|,)[ \t]*timeout=(\d{1,6})/i.exec(hint)?.[1];
  return seconds === undefined ? undefined : Number(seconds);
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}
