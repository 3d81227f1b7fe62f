import type { IncomingMessage } from 'node:http';
import { CodedError } from '../foundation/errors.ts';

/**
 * Whether the request may come from where its browser says it does (ID-09). Upgrades and everything but GET and HEAD:
 * no foreign Origin, no cross-site fetch. GET and HEAD the same, unless the browser navigates to a page.
 * Requests of other programs have neither header and pass here.
 */
export function isOriginAllowed(
  request: IncomingMessage,
  ownOrigins: (request: IncomingMessage) => readonly string[],
): boolean {
  const origin = request.headers.origin;
  const site = request.headers['sec-fetch-site'];
  const foreign =
    (origin !== undefined && !ownOrigins(request).includes(origin.toLowerCase())) ||
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

/**
 * A cookie goes along whoever made the page, be it ours or that of a proxy in front. Where the browser does not say where
 * the request comes from, it serves for nothing but a plain GET or HEAD (ID-09).
 * @throws CodedError `origin-refused`
 */
export function assertNotForged({ method, headers }: IncomingMessage, isUpgrade: boolean): void {
  const isSaid = headers.origin !== undefined || headers['sec-fetch-site'] !== undefined;
  const isRead = (method === 'GET' || method === 'HEAD') && !isUpgrade;
  if (!isSaid && !isRead) throw new CodedError('origin-refused');
}
