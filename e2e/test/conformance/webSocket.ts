import { randomBytes } from 'node:crypto';
import type { WireReader } from './rawHttp.ts';

export interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
}

export const closeOpcode = 8;

/** A whole message from a client, who has to mask what it sends. */
export function encodeFrame(payload: Buffer, opcode = 2): Buffer {
  const { length } = payload;
  const sizes =
    length < 126
      ? Buffer.from([0x80 | length])
      : length < 65_536
        ? Buffer.from([0x80 | 126, length >> 8, length & 0xff])
        : Buffer.from([
            0x80 | 127,
            0,
            0,
            0,
            0,
            length >>> 24,
            (length >> 16) & 0xff,
            (length >> 8) & 0xff,
            length & 0xff,
          ]);
  const mask = randomBytes(4);
  const masked = Buffer.from(payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0)));
  return Buffer.concat([Buffer.from([0x80 | opcode]), sizes, mask, masked]);
}

/** The next frame of a server; undefined once it is done. */
export async function readFrame(reader: WireReader): Promise<Frame | undefined> {
  const [first, second] = await reader.read(2);
  if (first === undefined || second === undefined) return undefined;
  const short = second & 0x7f;
  const length =
    short < 126
      ? short
      : short === 126
        ? (await reader.read(2)).readUInt16BE()
        : Number((await reader.read(8)).readBigUInt64BE());
  return { opcode: first & 0x0f, payload: await reader.read(length) };
}
