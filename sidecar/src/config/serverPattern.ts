import { BlockList, isIP } from 'node:net';
import { matchesGlob } from './glob.ts';

interface ServerPattern {
  readonly matchesHost: (hostname: string) => boolean;
  /** Digits and `*`. */
  readonly port: string;
}

const shape = /^(?:\[(?<inBrackets>[^[\]]+)\]|(?<plain>[^:[\]]+))(?::(?<port>[0-9*]{1,5}))?$/;
const hostShape = /^[a-z0-9_*-]+(\.[a-z0-9_*-]+)*$/;

/**
 * Reads one entry of `allowedServers` (AC-26): `*` alone for every server, else a host and a port; without a port 443,
 * the one that an address without a port has. A `*` in a host stays between two dots. At the end of a host of several
 * labels there is none: `10.0.*.*` would also be `10.0.evil.com`; address ranges are written as such.
 * @returns what is wrong, as words that follow the entry's place
 */
function parseServerPattern(text: string): ServerPattern | string {
  if (text === '*') return { matchesHost: () => true, port: '*' };
  const { inBrackets, plain, port = '443' } = shape.exec(text.toLowerCase())?.groups ?? {};
  if (inBrackets !== undefined) {
    const matchesHost = buildRange(inBrackets, 6);
    return matchesHost ? { matchesHost, port } : `"${text}" is not an IPv6 address or range, and a port`;
  }
  if (plain?.includes('/')) {
    const matchesHost = buildRange(plain, 4);
    return matchesHost ? { matchesHost, port } : `"${text}" is not an IPv4 range and a port`;
  }
  if (plain === '*') return { matchesHost: () => true, port };
  if (plain === undefined || !hostShape.test(plain)) return `"${text}" is not a host and a port`;
  const labels = plain.split('.');
  if (labels.length > 1 && labels.at(-1)?.includes('*')) {
    return `"${text}" ends in *, and anybody may own such a name; addresses are written as 10.0.0.0/8`;
  }
  return {
    port,
    matchesHost(hostname) {
      const found = hostname.split('.');
      return (
        isIP(hostname) !== 6 &&
        found.length === labels.length &&
        labels.every((label, index) => matchesGlob(label, found[index] ?? ''))
      );
    },
  };
}

/** An address, or a range as `address/bits`. */
function buildRange(text: string, family: 4 | 6): ((hostname: string) => boolean) | undefined {
  const [address = '', bits, ...more] = text.split('/');
  const size = family === 4 ? 32 : 128;
  const length = bits === undefined ? size : /^\d{1,3}$/.test(bits) ? Number(bits) : size + 1;
  if (isIP(address) !== family || length > size || more.length > 0 || address.includes('%')) return undefined;
  const type = family === 4 ? 'ipv4' : 'ipv6';
  const range = new BlockList();
  range.addSubnet(address, length, type);
  return (hostname) => isIP(hostname) === family && range.check(hostname, type);
}

/** @returns what is wrong with an entry of `allowedServers`, or undefined */
export function findServerPatternFault(text: string): string | undefined {
  const pattern = parseServerPattern(text);
  return typeof pattern === 'string' ? pattern : undefined;
}

/** @param server the host as a URL says it, in lower case and without brackets */
export function matchesServerPattern(
  text: string,
  { hostname, port }: { readonly hostname: string; readonly port: number },
): boolean {
  const pattern = parseServerPattern(text);
  return (
    typeof pattern !== 'string' && matchesGlob(pattern.port, String(port)) && pattern.matchesHost(hostname)
  );
}
