import { isRecord } from '../foundation/unknownValue.ts';

/** Where a value stands in a file, and where its faults go: one reading finds them all. */
export interface Place {
  at(key: string | number): Place;
  /** @returns null, the outcome of a decoding that failed */
  fault(message: string): null;
}

/** A value of the file as what it should be; what is not gives a fault and null. */
export type Decode<Value> = (value: unknown, place: Place) => Value | null;

/** Place and message of each fault, as in `rules[2].mode: "foo" is not one of a, b`, are added to `faults`. */
export function createPlace(faults: string[], path = ''): Place {
  return {
    at: (key) =>
      createPlace(faults, typeof key === 'number' ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`),
    fault(message) {
      faults.push(path === '' ? message : `${path}: ${message}`);
      return null;
    },
  };
}

export function oneOf<const Choice extends string | boolean>(...choices: readonly Choice[]): Decode<Choice> {
  return (value, place) =>
    choices.find((choice) => choice === value) ??
    place.fault(
      choices.length === 1
        ? `${JSON.stringify(value)} is not ${String(choices[0])}`
        : `${JSON.stringify(value)} is not one of ${choices.join(', ')}`,
    );
}

export const flag: Decode<boolean> = (value, place) =>
  typeof value === 'boolean' ? value : place.fault(`${JSON.stringify(value)} is not true or false`);

/** Text of which `findFault` says what is wrong with it, if anything. */
export function text(findFault: (value: string) => string | undefined): Decode<string> {
  return (value, place) => {
    if (typeof value !== 'string') return place.fault(`${JSON.stringify(value)} is not text`);
    const fault = findFault(value);
    return fault === undefined ? value : place.fault(fault);
  };
}

export function listOf<Value>(decode: Decode<Value>): Decode<readonly Value[]> {
  return (value, place) => {
    if (!Array.isArray(value)) return place.fault('is not a list');
    const items = value.map((item: unknown, index) => decode(item, place.at(index)));
    return Object.freeze(items.filter((item) => item !== null));
  };
}

/** A map from names of the file's own choice. */
export function mapOf<Value>(
  findKeyFault: (key: string) => string | undefined,
  decode: Decode<Value>,
): Decode<ReadonlyMap<string, Value>> {
  return (value, place) => {
    if (!isRecord(value)) return place.fault('is not a map');
    const entries = new Map<string, Value>();
    for (const [key, item] of Object.entries(value)) {
      const fault = findKeyFault(key);
      const decoded = fault === undefined ? decode(item, place.at(key)) : place.fault(fault);
      if (decoded !== null) entries.set(key, decoded);
    }
    return entries.size === 0 && Object.keys(value).length === 0 ? place.fault('is empty') : entries;
  };
}

type Decoded<Shape> = {
  readonly [Key in keyof Shape]?: Shape[Key] extends Decode<infer Value> ? Value : never;
};

/** Known keys alone: a key that nobody knows is a fault, since what was meant by it would silently not hold. */
export function fieldsOf<const Shape extends Readonly<Record<string, Decode<unknown>>>>(
  shape: Shape,
  required: readonly (keyof Shape & string)[] = [],
): Decode<Decoded<Shape>> {
  return (value, place) => {
    if (!isRecord(value)) return place.fault('is not a map');
    const decoded: Record<string, unknown> = {};
    for (const [key, item] of Object.entries(value)) {
      const decode = Object.hasOwn(shape, key) ? shape[key] : undefined;
      const known = decode
        ? decode(item, place.at(key))
        : place.at(key).fault(`is not known here; ${Object.keys(shape).join(', ')} are`);
      if (known !== null) decoded[key] = known;
    }
    for (const key of required) if (!Object.hasOwn(value, key)) place.at(key).fault('is missing');
    return Object.freeze(decoded) as Decoded<Shape>;
  };
}
