import type { Readable } from 'node:stream';
import { CodedError } from '../foundation/errors.ts';
import { createNameTable } from '../foundation/nameTable.ts';

/** A request as it goes to a cluster. */
export interface UpstreamMessage {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  /** Flat names and values, without what frames the body other than its length. */
  readonly headers: readonly string[];
  /** A stream is read when there is a connection, and no faster than the cluster reads. */
  readonly body: Readable | Buffer | null;
  /** Asked for the protocol that its headers name; after a 101 the connection is the caller's. */
  readonly isUpgrade?: boolean;
}

/** How the end of a body is told (RFC 9112, 6). */
export type Framing = 'none' | 'length' | 'chunked';

/** Those whose body is expected: none is said to be none (RFC 9110, 8.6). */
const methodsWithBody: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

const tokenPattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const targetPattern = /^[\x21-\x7e]+$/;
const valuePattern = /^[\t\x20-\x7e\x80-\xff]*$/;

export interface MessageHead {
  readonly text: string;
  readonly framing: Framing;
}

/**
 * The head as it is sent: one line for each header, in their order and spelling, then what frames the body.
 * @throws CodedError `headers-refused` for what could not be sent as one head
 */
export function writeMessageHead(message: UpstreamMessage): MessageHead {
  const { method, target, headers, body } = message;
  if (!tokenPattern.test(method) || !targetPattern.test(target)) throw refused();
  let text = `${method} ${target} HTTP/1.1`;
  let hasLength = false;
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] ?? '';
    const value = headers[index + 1] ?? '';
    const opening = openLine(name);
    if (!valuePattern.test(value)) throw refused();
    if (name.length === 14 && name.toLowerCase() === 'content-length') {
      // A length that was said twice, or of a body that is not sent.
      if (hasLength || (body === null && Number(value) !== 0)) throw refused();
      hasLength = true;
    }
    text += opening + value;
  }
  if (hasLength) return { text: `${text}\r\n\r\n`, framing: body === null ? 'none' : 'length' };
  if (Buffer.isBuffer(body))
    return { text: `${text}\r\nContent-Length: ${String(body.length)}\r\n\r\n`, framing: 'length' };
  if (body) return { text: `${text}\r\nTransfer-Encoding: chunked\r\n\r\n`, framing: 'chunked' };
  // An upgrade has no body, and no chunks either (PX-32).
  const saysNone = methodsWithBody.has(method);
  return { text: `${text}${saysNone ? '\r\nContent-Length: 0' : ''}\r\n\r\n`, framing: 'none' };
}

/** The line of a header up to its value. @throws CodedError `headers-refused` for what is no name */
const openLine = createNameTable((name) => {
  if (!tokenPattern.test(name)) throw refused();
  return ['\r\n', name, ': '].join('');
});

function refused(): CodedError {
  return new CodedError('headers-refused');
}
