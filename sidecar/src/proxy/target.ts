/** What a request's target names. */
export type RoutedTarget =
  /** `rest` is the raw path and query behind the name: empty, or beginning with `/` or `?`. */
  | { readonly kind: 'cluster'; readonly name: string; readonly rest: string }
  /** Our own API. */
  | { readonly kind: 'api' }
  | { readonly kind: 'other' }
  | { readonly kind: 'refused'; readonly code: 'path-refused' };

export interface RouteOptions {
  /** Empty, or with a leading and without a trailing slash. */
  readonly basePath: string;
  /** In lower case: what every name of ours begins with. */
  readonly namePrefix: string;
}

const clustersPath = '/clusters/';

/** Behind the base path. */
export const apiPath = '/cluster-inventory/v1';

const refused: RoutedTarget = { kind: 'refused', code: 'path-refused' };

/** Deeper encodings than this are refused where they could name a cluster of ours. */
const maxDecodings = 6;

/**
 * Reads the raw target, before any router does (PX-02). A target of ours has exactly one spelling; whatever another
 * router further on could decode, fold or resolve into one is refused, so that what is decided here is what is meant
 * everywhere.
 */
export function routeTarget(target: string, { basePath, namePrefix }: RouteOptions): RoutedTarget {
  if (target === '*') return { kind: 'other' };
  if (!target.startsWith('/') || target.startsWith('//') || target.includes('#')) return refused;
  const path = pathOf(target);
  if (path.startsWith(basePath) && path.startsWith(clustersPath, basePath.length)) {
    const nameStart = basePath.length + clustersPath.length;
    const slash = path.indexOf('/', nameStart);
    const nameEnd = slash === -1 ? path.length : slash;
    const rawName = path.slice(nameStart, nameEnd);
    const name = decodeOnce(rawName);
    if (name?.startsWith(namePrefix)) {
      const isCanonical = rawName === name || rawName === encodeURIComponent(name);
      const rest = target.slice(nameEnd);
      return isCanonical && isPlainName(name) && isPrintable(rest) && isPlainPath(path.slice(nameEnd))
        ? { kind: 'cluster', name, rest }
        : refused;
    }
  }
  // Our own API has clusters by name, too. Without a dot segment nothing leads out of it, and none of it is anybody else's.
  if (path.startsWith(`${basePath}${apiPath}/`) && isPrintable(path) && isPlainPath(path))
    return decodeOnce(path) === undefined ? refused : { kind: 'api' };
  return couldNameOurs(path, `/clusters/${namePrefix}`) ? refused : { kind: 'other' };
}

/** The path of a target, as it is written. */
export function pathOf(target: string): string {
  const queryAt = target.indexOf('?');
  return queryAt === -1 ? target : target.slice(0, queryAt);
}

/** Undefined for what is not percent-encoded UTF-8. */
function decodeOnce(text: string): string | undefined {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** No generated name holds these, whatever the context is called. */
const noName = /[/\\?#%\p{Cc}]/u;

function isPlainName(name: string): boolean {
  return !noName.test(name);
}

const printable = /^[\x21-\x7e]*$/;

function isPrintable(text: string): boolean {
  return printable.test(text);
}

/**
 * Whether a path below a cluster means the same to everybody: no dot segment, backslash or NUL in any encoding.
 * Empty segments and `%2F` are ordinary (PX-01).
 */
function isPlainPath(path: string): boolean {
  return decodings(path).every(
    (text) => text !== undefined && !text.includes('\\') && !text.includes('\0') && !dotSegment.test(text),
  );
}

const dotSegment = /(?:^|\/)\.\.?(?:\/|$)/;

function couldNameOurs(path: string, needle: string): boolean {
  return someReading(path, (read) => read.includes(needle));
}

/** Whether some router could read the path as this one, which is in lower case and in its plain form. */
export function couldBePath(path: string, wanted: string): boolean {
  return someReading(path, (read) => read === wanted || read === `${wanted}/`);
}

/** Of all that routers could decode, fold and resolve a path into; one that is encoded more often than that counts. */
function someReading(path: string, isMeant: (read: string) => boolean): boolean {
  for (const text of decodings(path)) {
    if (text === undefined) return true;
    const folded = text.replaceAll('\\', '/').toLowerCase();
    const cleaned = folded.replaceAll(/\/+/g, '/');
    // An empty segment is one that `..` removes to some routers, and none to others.
    if ([cleaned, resolveDots(cleaned), resolveDots(folded)].some(isMeant)) return true;
  }
  return false;
}

/**
 * The text, and what each further decoding makes of it. Parts that are not valid encodings stay as they are; undefined
 * stands for one that is encoded more often than anybody means.
 */
function decodings(path: string): (string | undefined)[] {
  const found: (string | undefined)[] = [path];
  let text = path;
  for (let round = 0; round < maxDecodings; round++) {
    if (!text.includes('%')) return found;
    const next = text.replaceAll(
      /(?:%[0-9a-f]{2})+/gi,
      (encoded) => decodeOnce(encoded) ?? decodeBytes(encoded),
    );
    if (next === text) return found;
    text = next;
    found.push(text);
  }
  found.push(undefined);
  return found;
}

/** Single bytes, where they are no UTF-8: some router may take them for characters. */
function decodeBytes(encoded: string): string {
  return encoded.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}

function resolveDots(path: string): string {
  const resolved: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') resolved.pop();
    else if (segment !== '.') resolved.push(segment);
  }
  return `/${resolved.filter((segment) => segment !== '').join('/')}`;
}
