import type { ServerResponse } from 'node:http';
import { TLSSocket } from 'node:tls';

/** What nobody gathers in for now, of one size. */
class FreeBuffers {
  readonly bytes: number;
  readonly #max: number;
  readonly #free: Buffer[] = [];

  constructor(bytes: number, max: number) {
    this.bytes = bytes;
    this.#max = max;
  }

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.bytes);
  }

  give(buffer: Buffer): void {
    if (this.#free.length < this.#max) this.#free.push(buffer);
  }
}

/** Most answers are an object; those of all clients at once are to take little. */
const small = new FreeBuffers(8 * 1024, 256);
const large = new FreeBuffers(64 * 1024, 32);

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
  /** By whoever writes: nobody else may have it before. */
  #isReturned = false;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  /** @returns false where the client takes no more for now, until `drain` of the response */
  add(piece: Buffer): boolean {
    let goesOn = true;
    for (let at = 0; at < piece.length;) {
      const buffer = this.#makeRoom(piece.length - at);
      const copied = piece.copy(buffer, this.#used, at);
      this.#used += copied;
      at += copied;
      if (this.#used === buffer.length) goesOn = this.#write(buffer);
    }
    return goesOn;
  }

  /** Sends what there is. @returns as `add` does */
  flush(): boolean {
    return !this.#buffer || this.#used === 0 || this.#write(this.#buffer);
  }

  /** Sends what there is as the last of it. */
  end(): void {
    const buffer = this.#buffer;
    if (buffer && this.#used > 0 && !this.#response.destroyed)
      this.#response.end(this.#lend(buffer), this.#whenTaken(buffer));
    else this.#response.end();
    this.#takeBack();
  }

  /** Its memory may be another's. */
  release(): void {
    if (this.#buffer) sizeOf(this.#buffer).give(this.#buffer);
    this.#buffer = undefined;
  }

  #makeRoom(bytes: number): Buffer {
    const gathered = this.#buffer;
    if (gathered && (gathered.length === large.bytes || this.#used + bytes <= gathered.length))
      return gathered;
    const buffer = (this.#used + bytes <= small.bytes ? small : large).take();
    this.#buffer = buffer;
    if (gathered) {
      gathered.copy(buffer, 0, 0, this.#used);
      small.give(gathered);
    }
    return buffer;
  }

  #write(buffer: Buffer): boolean {
    const response = this.#response;
    if (response.destroyed) {
      this.#used = 0;
      return true;
    }
    const { socket } = response;
    // By itself Node would hold it back until all else of this turn is done.
    socket?.cork();
    const goesOn = response.write(this.#lend(buffer), this.#whenTaken(buffer));
    socket?.uncork();
    this.#takeBack();
    return goesOn || response.writableLength === 0;
  }

  #lend(buffer: Buffer): Buffer {
    const piece = buffer.subarray(0, this.#used);
    // Behind what waits already it waits, too: for a little of it the whole memory is not kept.
    this.#isLent = this.#response.writableLength === 0 || this.#used > buffer.length / 2;
    return this.#isLent ? piece : Buffer.from(piece);
  }

  /** Over TLS nothing is taken at once: whoever writes says when it is. */
  #whenTaken(buffer: Buffer): ((error?: Error | null) => void) | undefined {
    this.#isReturned = this.#isLent && this.#response.socket instanceof TLSSocket;
    if (!this.#isReturned) return undefined;
    return (error) => {
      if (!error) sizeOf(buffer).give(buffer);
    };
  }

  /** Unless the system took all of it, it is read there still. */
  #takeBack(): void {
    if (this.#isReturned || (this.#isLent && this.#response.writableLength > 0)) this.#buffer = undefined;
    this.#isReturned = false;
    this.#isLent = false;
    this.#used = 0;
  }
}

function sizeOf(buffer: Buffer): FreeBuffers {
  return buffer.length === small.bytes ? small : large;
}
