/** Names and values in turn, as they came: repeated ones stay repeated, names keep their case (PX-10). */
export type RawHeaders = readonly string[];

export type HeaderPairs = readonly (readonly [name: string, value: string])[];

export function pairHeaders(raw: RawHeaders): [name: string, value: string][] {
  const pairs: [string, string][] = [];
  for (let index = 0; index + 1 < raw.length; index += 2)
    pairs.push([raw[index] ?? '', raw[index + 1] ?? '']);
  return pairs;
}

const connectionLength = 'connection'.length;

const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Without the hop-by-hop headers and all that `Connection` names (PX-11). */
export function dropHopByHop(headers: RawHeaders): [name: string, value: string][] {
  const named = readConnectionNames(headers);
  return pairHeaders(headers).filter(([name]) => {
    const lower = name.toLowerCase();
    return !isHopByHop(lower) && !named?.has(lower);
  });
}

/** Whether a name, in lower case, belongs to the connection and not to what it carries, wherever it stands (PX-11). */
export function isHopByHop(lowerName: string): boolean {
  return hopByHop.has(lowerName);
}

/** In lower case: what `Connection` says to be of the connection beyond that; undefined where it says nothing (PX-11). */
export function readConnectionNames(headers: RawHeaders): ReadonlySet<string> | undefined {
  let named: Set<string> | undefined;
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] ?? '';
    if (name.length !== connectionLength || name.toLowerCase() !== 'connection') continue;
    const value = (headers[index + 1] ?? '').toLowerCase();
    // Mostly `keep-alive` alone.
    if (hopByHop.has(value)) continue;
    named ??= new Set();
    for (const token of value.split(',')) named.add(token.trim());
  }
  return named;
}

export function headerValues(headers: RawHeaders, name: string): string[] {
  return headers.filter((_, index) => index % 2 === 1 && headers[index - 1]?.toLowerCase() === name);
}
