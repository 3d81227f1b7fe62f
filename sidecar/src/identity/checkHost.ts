import type { IncomingMessage } from 'node:http';

const ownHost = /^(?:localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])(?::(\d{1,5}))?$/i;

/**
 * Whether the request names this listener itself. On a loopback address a page anywhere can make a browser send
 * requests here under a name of its own (DNS rebinding, TH-12); only loopback names with the right port are served.
 */
export function isHostAllowed({ rawHeaders }: IncomingMessage, port: number): boolean {
  const at = findHost(rawHeaders, 0);
  if (at === -1 || findHost(rawHeaders, at + 2) !== -1) return false;
  const match = ownHost.exec(rawHeaders[at + 1] ?? '');
  return match !== null && Number(match[1] ?? 80) === port;
}

/** None is for HTTP/1.0 alone (RFC 9112). */
export function hasOneHost({ rawHeaders, httpVersion }: IncomingMessage): boolean {
  const at = findHost(rawHeaders, 0);
  return at === -1 ? httpVersion === '1.0' : findHost(rawHeaders, at + 2) === -1;
}

/** `headers.host` shows the first of several; the raw ones show them all. */
function findHost(rawHeaders: readonly string[], from: number): number {
  for (let index = from; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (name.length === 4 && name.toLowerCase() === 'host') return index;
  }
  return -1;
}
