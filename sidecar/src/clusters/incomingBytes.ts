import type { OnReadOpts } from 'node:net';

/**
 * What comes on any connection to any cluster is read into this, piece after piece: memory of its own for each would be
 * 64 KB, of which most is given back at once.
 */
const readBuffer = Buffer.allocUnsafeSlow(64 * 1024);

/**
 * What comes on one connection, for who takes it. A piece is theirs until they return: what they keep they copy, or it
 * would be overwritten by another cluster's bytes.
 */
export class IncomingBytes {
  /** For a socket to be made with, which then has no `data` to tell. */
  readonly onread: OnReadOpts = {
    buffer: readBuffer,
    callback: (length) => {
      this.come(readBuffer.subarray(0, length));
      return true;
    },
  };
  #take: ((piece: Buffer) => void) | undefined;
  #early: Buffer | undefined;

  come(piece: Buffer): void {
    if (this.#take) this.#take(piece);
    else this.#early = this.#early ? Buffer.concat([this.#early, piece]) : Buffer.from(piece);
  }

  /** From now on; what is there already is told when those who wait for the connection have it. */
  takeBy(take: (piece: Buffer) => void): void {
    this.#take = take;
    const early = this.#early;
    this.#early = undefined;
    if (early)
      process.nextTick(() => {
        take(early);
      });
  }
}
