import { CodedError } from '../foundation/errors.ts';

/** Names and values in turn, as they came: repeated ones stay repeated, names keep their case (PX-10). */
export type AnswerHeaders = readonly string[];

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

/** One line; nothing is folded (RFC 9112, 5.2). */
const field = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*/.source;
const wholeField = new RegExp(`^${field}$`);
const wholeHead = new RegExp(`^HTTP/1\\.([01]) ([1-9]\\d\\d)(?: (.*))?(?:\\r\\n${field})*$`);
/** What a field's value may hold (RFC 9110, 5.5). */
const fieldText = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * A head without the empty line at its end, one character a byte. What two readers could take for different things is
 * refused: two lengths, a length and a coding, a coding that is not `chunked`.
 * @throws CodedError `response-invalid`
 */
export function readAnswerHead(text: string): ReadHead {
  const match = wholeHead.exec(text);
  if (match === null) throw invalidAnswer();
  const [, minor, status = '', reason = ''] = match;
  const headers: string[] = [];
  let length: string | undefined;
  let isChunked = false;
  let closes = minor === '0';
  let hint = '';
  // Of those that were let pass each CR ends a line.
  for (let end = text.indexOf('\r'); end !== -1;) {
    const start = end + 2;
    end = text.indexOf('\r', start);
    const colon = text.indexOf(':', start);
    const name = text.slice(start, colon);
    const value = trimBlanks(text, colon + 1, end === -1 ? text.length : end);
    headers.push(name, value);
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

/** One line of trailers. @throws CodedError `response-invalid` */
export function readField(line: string): readonly [name: string, value: string] {
  if (!wholeField.test(line)) throw invalidAnswer();
  const colon = line.indexOf(':');
  return [line.slice(0, colon), trimBlanks(line, colon + 1, line.length)];
}

/** Of a field the blanks around its value are no part. */
function trimBlanks(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

/** What is behind the size of a chunk may be anything that a value may be. */
export function isFieldText(text: string): boolean {
  return fieldText.test(text);
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
