import { isIP } from 'node:net';
import { findSelectorFault } from './labelSelector.ts';

/** The values of options as text; each parser throws an Error that says what is wrong with it. */

export interface ListenAddress {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
}

/** `all`, `default` (the root's own namespace), or names. */
export type Namespaces = 'all' | 'default' | readonly string[];

export function requireText(text: string): string {
  if (text === '') throw new Error('is required');
  return text;
}

export function requireOneOf<Choice extends string>(text: string, choices: readonly Choice[]): Choice {
  const choice = choices.find((each) => each === text);
  if (choice === undefined) throw new Error(`"${text}" is not one of ${choices.join(', ')}`);
  return choice;
}

export function splitList(text: string): string[] {
  return text === '' ? [] : text.split(',').map((each) => each.trim());
}

/** DI-06. */
export function parseNamespaces(text: string): Namespaces {
  const names = splitList(text);
  if (names.length === 0) return 'default';
  if (names.length === 1 && names[0] === '*') return 'all';
  for (const name of names) {
    if (name === '') throw new Error('has an empty entry');
    if (name === '*') throw new Error('* stands alone; it already means every namespace');
    if (name.length > 63 || !/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name)) {
      throw new Error(`"${name}" is not a namespace name`);
    }
  }
  return [...new Set(names)];
}

export function parseSelector(text: string): string {
  const fault = findSelectorFault(text);
  if (fault !== undefined) throw new Error(fault);
  return text;
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Go's notation, as in `1m30s`; the result is milliseconds and above 0. */
export function parseDuration(text: string): number {
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text))
    throw new Error(`"${text}" is not a duration such as 30s or 5m`);
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) {
    total += Number(amount) * (unitMs[unit ?? ''] ?? 0);
  }
  if (total <= 0) throw new Error('must be above 0');
  return total;
}

export function parseDurationOrZero(text: string): number {
  return text === '0' || text === '0s' ? 0 : parseDuration(text);
}

const longestTimeoutMs = 3_600_000;

/** For a timer: in whole milliseconds, and never so long that a timer would end at once. */
export function parseTimeout(text: string): number {
  const timeoutMs = Math.ceil(parseDuration(text));
  if (timeoutMs > longestTimeoutMs) throw new Error(`"${text}" is longer than 1h`);
  return timeoutMs;
}

export function parseOrigins(text: string): string[] {
  return splitList(text).map((each) => {
    const url = URL.parse(each);
    if (url?.origin !== each.toLowerCase() || !/^https?:$/.test(url.protocol))
      throw new Error(`"${each}" is not an origin such as https://headlamp.example.com`);
    return url.origin;
  });
}

/** No underscore: servers on the way take one for a dash, or drop the header. */
export function parseHeaderName(text: string): string {
  const name = text.toLowerCase();
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)) throw new Error(`"${text}" is not the name of a header`);
  if (
    /^(authorization|cookie|host|connection|upgrade|origin|transfer-encoding|content-length|x-forwarded-(for|host|proto)|sec-.*)$/.test(
      name,
    )
  )
    throw new Error(`${text} has a meaning of its own`);
  return name;
}

export function parsePositiveInteger(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new Error(`"${text}" is not a number above 0`);
  return Number(text);
}

/** @returns a parser of numbers of this range, both ends in it */
export function parseIntegerWithin(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
    if (!(value >= least && value <= most))
      throw new Error(`"${text}" is not a number from ${String(least)} to ${String(most)}`);
    return value;
  };
}

export function parseListenAddress(text: string): ListenAddress {
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65535) throw new Error(`"${text}" is not HOST:PORT`);
  return { host: match[1] ?? match[2] ?? '', port };
}

export function requireLoopback(address: ListenAddress): ListenAddress {
  const { host } = address;
  if (!isLoopback(host)) {
    throw new Error(`"${host}" is not a loopback address, and without sign-in nothing else is served`);
  }
  return address;
}

/** Whether only this machine can reach what listens there. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

export function parseDashboardUrl(text: string): URL {
  const url = URL.parse(text);
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new Error(`"${text}" is not an http or https URL`);
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '')
    throw new Error('has a path; --base-url says the path');
  return url;
}

export function parseBaseUrl(text: string): string {
  const path = text.replace(/\/+$/, '');
  if (path !== '' && !/^(\/[A-Za-z0-9._~-]+)+$/.test(path))
    throw new Error(`"${text}" is not a path such as /headlamp`);
  if (path.split('/').some((segment) => segment === '.' || segment === '..'))
    throw new Error('has a dot segment');
  return path;
}
