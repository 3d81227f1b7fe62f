/** Headers as they came: repeated ones stay repeated, names keep their case (PX-10). */
export type HeaderPairs = readonly (readonly [name: string, value: string])[];

export function pairHeaders(raw: readonly string[]): HeaderPairs {
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
export function dropHopByHop(headers: HeaderPairs): HeaderPairs {
  const isHopByHop = createHopByHopTest(headers);
  return headers.filter(([name]) => !isHopByHop(name.toLowerCase()));
}

/** @returns whether a name, in lower case, belongs to the connection and not to what it carries (PX-11) */
export function createHopByHopTest(headers: HeaderPairs): (lowerName: string) => boolean {
  let named: Set<string> | undefined;
  for (const [name, value] of headers) {
    if (name.length !== connectionLength || name.toLowerCase() !== 'connection') continue;
    named ??= new Set();
    for (const token of value.toLowerCase().split(',')) named.add(token.trim());
  }
  return (lowerName) => hopByHop.has(lowerName) || named?.has(lowerName) === true;
}

export function headerValues(headers: HeaderPairs, name: string): string[] {
  return headers.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value);
}
