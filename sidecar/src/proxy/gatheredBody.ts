import type { ServerResponse } from 'node:http';

const bufferBytes = 64 * 1024;
const maxFree = 64;
/** What nobody gathers in for now. */
const free: Buffer[] = [];

/**
 * The body of a response on its way to the client. What comes in one turn of the event loop is copied into memory that
 * is used again by others once the system has taken it, and goes out in one piece: memory of its own for each piece is
 * most of what a large body costs.
 */
export class GatheredBody {
  readonly #response: ServerResponse;
  #buffer: Buffer | undefined;
  #used = 0;
  #isLent = false;
  #isBlocked = false;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  /** @returns false where the client takes no more for now, until `drain` of the response */
  add(piece: Buffer): boolean {
    for (let at = 0; at < piece.length;) {
      const buffer = (this.#buffer ??= free.pop() ?? Buffer.allocUnsafeSlow(bufferBytes));
      const copied = piece.copy(buffer, this.#used, at);
      this.#used += copied;
      at += copied;
      if (this.#used === buffer.length) this.#write(buffer);
    }
    return this.#mayGoOn();
  }

  /** Sends what there is. @returns as `add` does */
  flush(): boolean {
    if (this.#buffer && this.#used > 0) this.#write(this.#buffer);
    return this.#mayGoOn();
  }

  /** Sends what there is as the last of it. */
  end(): void {
    if (this.#buffer && this.#used > 0 && !this.#response.destroyed)
      this.#response.end(this.#lend(this.#buffer));
    else this.#response.end();
    this.#takeBack();
  }

  /** Its memory may be another's. */
  release(): void {
    if (this.#buffer && free.length < maxFree) free.push(this.#buffer);
    this.#buffer = undefined;
  }

  #write(buffer: Buffer): void {
    const response = this.#response;
    if (!response.destroyed) {
      const { socket } = response;
      // By itself Node would hold it back until all else of this turn is done.
      socket?.cork();
      const goesOn = response.write(this.#lend(buffer));
      socket?.uncork();
      this.#isBlocked = !goesOn && response.writableLength > 0;
    }
    this.#takeBack();
  }

  #lend(buffer: Buffer): Buffer {
    const piece = buffer.subarray(0, this.#used);
    // Behind what waits already it waits, too: for a little of it the whole memory is not kept.
    this.#isLent = this.#response.writableLength === 0 || this.#used > bufferBytes / 2;
    return this.#isLent ? piece : Buffer.from(piece);
  }

  /** Unless the system took all of it, it is read there still. */
  #takeBack(): void {
    if (this.#isLent && this.#response.writableLength > 0) this.#buffer = undefined;
    this.#isLent = false;
    this.#used = 0;
  }

  #mayGoOn(): boolean {
    const goesOn = !this.#isBlocked;
    this.#isBlocked = false;
    return goesOn;
  }
}
