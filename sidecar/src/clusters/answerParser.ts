import { CodedError } from '../foundation/errors.ts';
import {
  type AnswerHead,
  type AnswerHeaders,
  invalidAnswer,
  isFieldText,
  readAnswerHead,
  readField,
} from './answerHead.ts';

/** Is told what an answer consists of, in its order. */
export interface AnswerSink {
  onHead(head: AnswerHead): void;
  /** The 101 that was asked for: what follows on the connection is no HTTP. */
  onUpgrade(head: AnswerHead): void;
  /** The chunk is the sink's until it returns. */
  onData(chunk: Buffer): void;
  onEnd(trailers: AnswerHeaders): void;
}

export interface AnswerParserOptions {
  /** Of the request: a HEAD has no body. */
  readonly method: string;
  readonly isUpgrade?: boolean;
  /** For the heads of an answer together, and for its trailers. */
  readonly maxHeadBytes: number;
}

type State = 'head' | 'length' | 'size' | 'chunk' | 'chunk-end' | 'trailers' | 'until-close' | 'done';

const CR = 13;
const LF = 10;
const firstByte = 'H'.charCodeAt(0);
const chunkSize = /^([0-9a-f]{1,16})(?:;([^\r\n]*))?$/i;
/** Sizes, with what is behind them, that no server sends. */
const maxSizeLineBytes = 4 * 1024;
const maxExtensionBytes = 16 * 1024;

/**
 * One answer of a cluster, read as strictly as Node's own parser reads requests: lines end in CRLF, nothing is folded,
 * one length or chunks but never both, and each byte belongs to one thing (RFC 9112; TH-41, TH-45, PX-24).
 * It reads what it is given until the answer is whole, or until it is paused, and copies what it keeps.
 */
export class AnswerParser {
  readonly #sink: AnswerSink;
  readonly #options: AnswerParserOptions;
  #state: State = 'head';
  #paused = false;
  /** It is whole, and was paused before that was told. */
  #endsLater = false;
  /** What came, and is not read yet. */
  #unread: Buffer | undefined;
  /** Of a head, or of a line, that is not whole. */
  #begun: Buffer | undefined;
  #headBytes = 0;
  #extensionBytes = 0;
  #left = 0;
  readonly #trailers: string[] = [];
  #keepsAlive = false;
  #keepAliveSeconds: number | undefined;

  constructor(sink: AnswerSink, options: AnswerParserOptions) {
    this.#sink = sink;
    this.#options = options;
  }

  /** What is there behind the end of the answer, or behind a 101. */
  get unread(): Buffer | undefined {
    return this.#unread;
  }

  /** Whether another request may use the connection after this answer. */
  get keepsAlive(): boolean {
    return this.#keepsAlive;
  }

  /** How long the server keeps an unused connection, in seconds, where it says so. */
  get keepAliveSeconds(): number | undefined {
    return this.#keepAliveSeconds;
  }

  pause(): void {
    this.#paused = true;
  }

  /** Goes on with what was there. @throws CodedError as `feed` does */
  resume(): void {
    this.#paused = false;
    if (this.#endsLater) {
      this.#endsLater = false;
      this.#end();
      return;
    }
    const unread = this.#unread;
    this.#unread = undefined;
    if (unread) this.feed(unread);
  }

  /** @throws CodedError `response-invalid` or `http2-only`: the connection is of no use any more */
  feed(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#paused || this.#state === 'done') {
        const rest = chunk.subarray(at);
        this.#unread = this.#unread ? Buffer.concat([this.#unread, rest]) : Buffer.from(rest);
        return;
      }
      at = this.#read(chunk, at);
    }
  }

  /** The cluster sends no more. @throws CodedError for an answer that is not whole */
  finish(): void {
    if (this.#state === 'until-close') this.#end();
    else if (this.#state !== 'done') throw new CodedError('connection-reset');
  }

  #read(chunk: Buffer, at: number): number {
    const state = this.#state;
    if (state === 'head') return this.#readHead(chunk, at);
    if (state === 'length' || state === 'chunk') return this.#readBytes(chunk, at, state);
    if (state !== 'until-close') return this.#readLine(chunk, at);
    this.#sink.onData(at === 0 ? chunk : chunk.subarray(at));
    return chunk.length;
  }

  #readBytes(chunk: Buffer, at: number, state: 'length' | 'chunk'): number {
    const end = Math.min(chunk.length, at + this.#left);
    this.#left -= end - at;
    const isLast = this.#left === 0 && state === 'length';
    if (this.#left === 0) this.#state = isLast ? 'done' : 'chunk-end';
    this.#sink.onData(at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end));
    if (isLast) this.#end();
    return end;
  }

  #readHead(chunk: Buffer, at: number): number {
    const begun = this.#begun;
    if (begun === undefined && chunk[at] !== firstByte) throw refuseStart(chunk, at);
    const bytes = begun ? Buffer.concat([begun, at === 0 ? chunk : chunk.subarray(at)]) : chunk;
    const start = begun ? 0 : at;
    const end = bytes.indexOf('\r\n\r\n', Math.max(start, (begun?.length ?? 0) - 3), 'latin1');
    const length = (end === -1 ? bytes.length : end + 4) - start;
    if (this.#headBytes + length > this.#options.maxHeadBytes) throw invalidAnswer();
    if (end === -1) {
      // It would never end: its lines have another ending.
      for (let lf = bytes.indexOf(LF, begun?.length ?? start); lf !== -1; lf = bytes.indexOf(LF, lf + 1))
        if (bytes[lf - 1] !== CR) throw invalidAnswer();
      this.#begun = begun ? bytes : Buffer.from(bytes.subarray(start));
      return chunk.length;
    }
    this.#begun = undefined;
    this.#headBytes += length;
    this.#takeHead(bytes.toString('latin1', start, end));
    // Where it ends in this chunk.
    return chunk.length - (bytes.length - (end + 4));
  }

  #takeHead(text: string): void {
    const head = readAnswerHead(text);
    if (head.status < 200) {
      this.#takeInformation(head);
      return;
    }
    // Not the head itself: a stream would keep its headers.
    this.#keepsAlive = head.keepsAlive && head.body !== 'until-close';
    this.#keepAliveSeconds = head.keepAliveSeconds;
    const isBodiless = this.#options.method === 'HEAD' || head.status === 204 || head.status === 304;
    const body = isBodiless ? 0 : head.body;
    if (body === 'chunked') this.#state = 'size';
    else if (body === 'until-close') this.#state = 'until-close';
    else {
      this.#left = body;
      this.#state = body === 0 ? 'done' : 'length';
    }
    this.#sink.onHead(head);
    if (body !== 0) return;
    if (this.#paused) this.#endsLater = true;
    else this.#end();
  }

  /** Of what comes before the answer only the 101 that was asked for is of use; a 100 was not (PX-24). */
  #takeInformation(head: AnswerHead): void {
    if (head.status === 101 && this.#options.isUpgrade) {
      this.#state = 'done';
      this.#sink.onUpgrade(head);
    } else if (head.status === 100 || head.status === 101) {
      throw invalidAnswer();
    }
  }

  #readLine(chunk: Buffer, at: number): number {
    const end = chunk.indexOf(LF, at);
    const upTo = end === -1 ? chunk.length : end + 1;
    const begun = this.#begun?.length ?? 0;
    if (begun + upTo - at > (this.#state === 'trailers' ? this.#options.maxHeadBytes : maxSizeLineBytes))
      throw invalidAnswer();
    const piece = chunk.subarray(at, upTo);
    if (end === -1) {
      this.#begun = this.#begun ? Buffer.concat([this.#begun, piece]) : Buffer.from(piece);
      return upTo;
    }
    const bytes = this.#begun ? Buffer.concat([this.#begun, piece]) : piece;
    this.#begun = undefined;
    if (bytes[bytes.length - 2] !== CR) throw invalidAnswer();
    this.#takeLine(bytes.toString('latin1', 0, bytes.length - 2));
    return upTo;
  }

  #takeLine(line: string): void {
    if (this.#state === 'size') this.#takeSize(line);
    else if (this.#state === 'trailers') this.#takeTrailer(line);
    else if (line === '') this.#state = 'size';
    else throw invalidAnswer();
  }

  #takeSize(line: string): void {
    const [, digits, extension = ''] = chunkSize.exec(line) ?? [];
    if (digits === undefined || !isFieldText(extension)) throw invalidAnswer();
    this.#extensionBytes += extension.length;
    this.#left = Number.parseInt(digits, 16);
    if (this.#extensionBytes > maxExtensionBytes || !Number.isSafeInteger(this.#left)) throw invalidAnswer();
    this.#state = this.#left === 0 ? 'trailers' : 'chunk';
  }

  #takeTrailer(line: string): void {
    if (line === '') {
      this.#end();
      return;
    }
    this.#headBytes += line.length + 2;
    if (this.#headBytes > this.#options.maxHeadBytes) throw invalidAnswer();
    this.#trailers.push(...readField(line));
  }

  #end(): void {
    this.#state = 'done';
    this.#sink.onEnd(this.#trailers);
  }
}

/** An answer begins with `HTTP/1.`; a server that speaks HTTP/2 unasked begins with its SETTINGS (RFC 9113, 3.4). */
export function refuseStart(chunk: Buffer, at: number): CodedError {
  const isSettings =
    chunk.length - at >= 9 && chunk[at] === 0 && chunk[at + 3] === 4 && chunk.readUInt32BE(at + 5) === 0;
  return new CodedError(isSettings ? 'http2-only' : 'response-invalid');
}
