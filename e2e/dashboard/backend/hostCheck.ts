import { isIP, isIPv6 } from 'node:net';

/**
 * Headlamp's guard against DNS rebinding: on loopback, only requests whose Host header names loopback or the
 * listen address are answered. On any other address every Host is accepted.
 */
export function createHostCheck(listenHost: string, port: number): (host: string | undefined) => boolean {
  if (!isLoopback(listenHost)) return () => true;
  const names = ['localhost', '127.0.0.1', '::1', listenHost.toLowerCase()];
  const allowed = new Set(names.flatMap((name) => [name, joinHostPort(name, String(port))]));
  return (host) => allowed.has(normalizeHost(host ?? ''));
}

function isLoopback(host: string): boolean {
  return (
    host.toLowerCase() === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
  );
}

function normalizeHost(host: string): string {
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d*))?$/.exec(host) ?? [];
  const name = (bracketed ?? plain)?.toLowerCase();
  if (name === undefined) return host.toLowerCase();
  const canonical = isIPv6(name) ? new URL(`http://[${name}]`).hostname.slice(1, -1) : name;
  return port === undefined ? canonical : joinHostPort(canonical, port);
}

function joinHostPort(host: string, port: string): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
