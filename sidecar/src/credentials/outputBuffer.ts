/** Collects a stream up to a limit. */
export interface BoundedOutput {
  /** False when the limit is passed: nothing of the stream is kept any more. */
  push(chunk: Buffer): boolean;
  bytes(): Buffer;
}

export function createBoundedOutput(maxBytes: number): BoundedOutput {
  let chunks: Buffer[] = [];
  let length = 0;
  return {
    push(chunk) {
      length += chunk.length;
      if (length > maxBytes) chunks = [];
      else chunks.push(chunk);
      return length <= maxBytes;
    },
    bytes: () => Buffer.concat(chunks),
  };
}

/** Keeps the end of a stream. */
export interface OutputTail {
  push(chunk: Buffer): void;
  /** Whole lines only: a line whose beginning was lost could hold a secret that nothing recognises any more. */
  text(): string;
}

export function createOutputTail(maxBytes: number): OutputTail {
  let kept = Buffer.alloc(0);
  let isCut = false;
  return {
    push(chunk) {
      const joined = Buffer.concat([kept, chunk.subarray(-maxBytes)]);
      isCut ||= joined.length > maxBytes || chunk.length > maxBytes;
      kept = joined.subarray(-maxBytes);
    },
    text() {
      if (!isCut) return kept.toString('utf8');
      const lineEnd = kept.indexOf('\n');
      return lineEnd < 0 ? '[a line too long to be shown]' : kept.subarray(lineEnd + 1).toString('utf8');
    },
  };
}
