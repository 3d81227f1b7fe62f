import { BlockList, isIP } from 'node:net';

/** Whose word about a request's scheme and host is believed. */
export interface TrustedProxies {
  has(address: string | undefined): boolean;
}

/**
 * Addresses and networks, as in `10.0.0.0/8` or `fd00::/8`.
 * @throws Error that names the entry
 */
export function parseTrustedProxies(entries: readonly string[]): TrustedProxies {
  if (entries.length === 0) return { has: () => false };
  const list = new BlockList();
  for (const entry of entries) {
    const [address = '', lengthText, ...rest] = entry.split('/');
    const family = isIP(address);
    const type = family === 6 ? 'ipv6' : 'ipv4';
    const longest = family === 6 ? 128 : 32;
    const length = lengthText === undefined ? longest : Number(lengthText);
    const isLength = lengthText === undefined || /^\d{1,3}$/.test(lengthText);
    if (family === 0 || !isLength || length > longest || rest.length > 0)
      throw new Error(`"${entry}" is not an address or network such as 10.0.0.0/8`);
    list.addSubnet(address, length, type);
  }
  return {
    has(address) {
      if (address === undefined) return false;
      // A listener on `::` sees IPv4 peers as `::ffff:10.0.0.1`, which the list knows for what it is.
      const family = isIP(address);
      return family !== 0 && list.check(address, family === 6 ? 'ipv6' : 'ipv4');
    },
  };
}
