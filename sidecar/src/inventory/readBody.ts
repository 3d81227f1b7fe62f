import { StringDecoder } from 'node:string_decoder';

/** A body as text, up to `maxBytes`; more is an error. */
export async function readBodyText(body: AsyncIterable<Buffer>, maxBytes: number): Promise<string> {
  // Not all bytes in one buffer first: megabytes outside of the heap, which the process would then keep.
  const decoder = new StringDecoder('utf8');
  let text = '';
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > maxBytes) throw new Error(`body above ${String(maxBytes)} bytes`);
    text += decoder.write(chunk);
  }
  return text + decoder.end();
}

/** The complete lines of a stream of bytes; a half line at the end is dropped (FA-03). */
export async function* readLines(body: AsyncIterable<Buffer>, maxLineBytes: number): AsyncGenerator<string> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  for await (const chunk of body) {
    let start = 0;
    for (let end = chunk.indexOf(10, start); end !== -1; end = chunk.indexOf(10, start)) {
      const tail = chunk.subarray(start, end);
      yield held.length === 0 ? tail.toString('utf8') : Buffer.concat([...held, tail]).toString('utf8');
      held = [];
      heldBytes = 0;
      start = end + 1;
    }
    if (start < chunk.length) {
      held.push(chunk.subarray(start));
      heldBytes += chunk.length - start;
      if (heldBytes > maxLineBytes) throw new Error(`line above ${String(maxLineBytes)} bytes`);
    }
  }
}
