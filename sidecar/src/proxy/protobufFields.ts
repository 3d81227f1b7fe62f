/** Which fields of a message are read, by their names in JSON; what has `fields` is a message, all else is text. */
export type ProtobufFields = Readonly<
  Record<string, { readonly number: number; readonly fields?: ProtobufFields }>
>;

/**
 * The named fields of a protobuf message, those that are there; all others are passed over, as any reader does.
 * @throws Error for what is no message
 */
export function readProtobufFields(message: Buffer, fields: ProtobufFields): Record<string, unknown> {
  const found = collectBytes(message);
  const read: Record<string, unknown> = {};
  for (const [name, { number, fields: inner }] of Object.entries(fields)) {
    const values = found.get(number);
    // Of a text the last one counts; several parts of one message are read as one.
    if (values !== undefined)
      read[name] = inner
        ? readProtobufFields(Buffer.concat(values), inner)
        : (values.at(-1)?.toString('utf8') ?? '');
  }
  return read;
}

/** The fields of bytes, text or messages, by their numbers. */
export function collectBytes(message: Buffer): ReadonlyMap<number, readonly Buffer[]> {
  const found = new Map<number, Buffer[]>();
  let at = 0;
  const readVarint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 64; shift += 7) {
      const byte = message[at++];
      if (byte === undefined) break;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new Error('a number without an end');
  };
  const skip = (length: number): void => {
    at += length;
    if (at > message.length) throw new Error('a field without an end');
  };
  while (at < message.length) {
    const tag = readVarint();
    const start = at;
    switch (tag % 8) {
      case 0:
        readVarint();
        break;
      case 1:
        skip(8);
        break;
      case 2: {
        const length = readVarint();
        const from = at;
        skip(length);
        const number = Math.floor(tag / 8);
        found.set(number, [...(found.get(number) ?? []), message.subarray(from, at)]);
        break;
      }
      case 5:
        skip(4);
        break;
      default:
        throw new Error(`a field of no known type at ${String(start)}`);
    }
  }
  return found;
}
