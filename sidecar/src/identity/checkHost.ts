import type { IncomingMessage } from 'node:http';

/**
 * Whether the request names this listener itself. On a loopback address a page anywhere can make a browser send
 * requests here under a name of its own (DNS rebinding, TH-12); only loopback names with the right port are served.
 */
export function isHostAllowed(request: IncomingMessage, port: number): boolean {
  // `headers.host` shows the first of several; the raw ones show them all.
  const hosts = request.rawHeaders.filter(
    (_, index, raw) => index % 2 === 1 && raw[index - 1]?.toLowerCase() === 'host',
  );
  const [host] = hosts;
  if (host === undefined || hosts.length !== 1) return false;
  const match = /^(\[[0-9a-f:]+\]|[a-z0-9.-]+)(?::(\d{1,5}))?$/i.exec(host);
  if (!match) return false;
  const [, name = '', portText] = match;
  const isLoopbackName = /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])$/i.test(name);
  return isLoopbackName && Number(portText ?? 80) === port;
}
