/** Decoding `unknown` at the edge: null and absent are the same (DI-35). */
export type UnknownRecord = Readonly<Record<string, unknown>>;

/** What the text says; undefined for what is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function isRecord(value: unknown): value is UnknownRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function asRecord(value: unknown): UnknownRecord {
  return isRecord(value) ? value : {};
}

export function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A string that is not empty, or undefined. */
export function asText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/**
 * The entries whose values are strings, without a prototype (DI-31). It is taken away afterwards: what is made without
 * one takes four times the memory.
 */
export function asTextMap(value: unknown): Readonly<Record<string, string>> {
  const texts = Object.entries(asRecord(value)).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return Object.setPrototypeOf(Object.fromEntries(texts), null) as Readonly<Record<string, string>>;
}
