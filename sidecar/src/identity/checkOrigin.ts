import type { IncomingMessage } from 'node:http';

/**
 * Whether the request may come from where its browser says it does (ID-09). Upgrades and everything but GET and HEAD:
 * no foreign Origin, no cross-site fetch. GET and HEAD the same, unless the browser navigates to a page.
 * Requests of other programs have neither header and pass here.
 */
export function isOriginAllowed(request: IncomingMessage, ownOrigin: string): boolean {
  const origin = request.headers.origin;
  const site = request.headers['sec-fetch-site'];
  const foreign =
    (origin !== undefined && origin.toLowerCase() !== ownOrigin) ||
    site === 'cross-site' ||
    site === 'same-site';
  if (!foreign) return true;
  const isRead =
    (request.method === 'GET' || request.method === 'HEAD') && request.headers.upgrade === undefined;
  return (
    isRead &&
    origin === undefined &&
    request.headers['sec-fetch-mode'] === 'navigate' &&
    request.headers['sec-fetch-dest'] === 'document'
  );
}
