import type { IncomingMessage } from 'node:http';
import { CodedError } from '../foundation/errors.ts';

/** The whole body of a request. @throws CodedError `body-too-large` */
export async function readRequestBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw new CodedError('body-too-large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
