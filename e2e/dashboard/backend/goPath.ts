import { posix } from 'node:path';

/**
 * A request target as Go's `net/http` and its usual router see it. Paths are byte strings (one char a byte,
 * `latin1`), because Go decodes percent escapes to bytes and never asks whether they are UTF-8.
 */
export interface GoTarget {
  /** Percent-decoded path. `%2F` has become a slash: the router cannot tell the two apart. */
  path: string;
  /** Query with its question mark, or the empty string; not decoded. */
  rawQuery: string;
  /** The authority of an absolute-form target, which outranks the Host header. */
  authority: string | undefined;
}

/** Returns undefined for what Go answers with 400: a broken escape, or a target that is no path. */
export function parseGoTarget(rawTarget: string): GoTarget | undefined {
  const absolute = /^https?:\/\/([^/?]*)(.*)$/i.exec(rawTarget);
  const target = absolute ? (absolute[2] ?? '') : rawTarget;
  const queryStart = target.indexOf('?');
  const rawPath = queryStart < 0 ? target : target.slice(0, queryStart);
  if (!absolute && !rawPath.startsWith('/')) return undefined;
  if (/%(?![0-9a-fA-F]{2})/.test(rawPath)) return undefined;
  return {
    path: rawPath.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
    rawQuery: queryStart < 0 ? '' : target.slice(queryStart),
    authority: absolute?.[1],
  };
}

/** No dot segments, no double slashes; a trailing slash stays. */
export function cleanGoPath(path: string): string {
  return posix.normalize(path.startsWith('/') ? path : `/${path}`);
}

/** Percent-encodes as Go's `URL.EscapedPath` does after a path was set. */
export function encodeGoPath(path: string): string {
  return path.replace(
    /[^A-Za-z0-9\-_.~$&+,/:;=@]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

export function fromByteString(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
