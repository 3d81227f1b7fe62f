import type { ServerResponse } from 'node:http';

/** The responses of a connection that are not closed yet: several where requests come before the first is answered. */
export class OpenResponses {
  /** Nearly always the only one, and a Set that has one member after the other is made anew all the time. */
  #one: ServerResponse | undefined = undefined;
  readonly #others = new Set<ServerResponse>();

  add(response: ServerResponse): void {
    if (this.#one === undefined) this.#one = response;
    else this.#others.add(response);
  }

  delete(response: ServerResponse): void {
    if (this.#one === response) this.#one = undefined;
    else this.#others.delete(response);
  }

  get size(): number {
    return (this.#one === undefined ? 0 : 1) + this.#others.size;
  }

  list(): ServerResponse[] {
    return this.#one === undefined ? [...this.#others] : [this.#one, ...this.#others];
  }
}
