import { BlockList, isIP } from 'node:net';
import type { AccessRules } from './accessPolicy.ts';
import { expandIpv6 } from './addressBytes.ts';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

const linkLocal = new BlockList();
linkLocal.addSubnet('169.254.0.0', 16, 'ipv4');
linkLocal.addSubnet('fe80::', 10, 'ipv6');

/** Where clouds tell a machine its secrets; most are link-local addresses too. */
const metadata = new BlockList();
metadata.addSubnet('169.254.169.0', 24, 'ipv4');
metadata.addSubnet('169.254.170.0', 24, 'ipv4');
metadata.addSubnet('fd00:ec2::', 32, 'ipv6');
metadata.addAddress('fd20:ce::254', 'ipv6');
metadata.addAddress('100.100.100.200', 'ipv4');
metadata.addAddress('192.0.0.192', 'ipv4');
metadata.addAddress('168.63.129.16', 'ipv4');

/** Never a cluster's: this host, and groups of hosts. */
const refused = new BlockList();
refused.addSubnet('0.0.0.0', 8, 'ipv4');
refused.addAddress('::', 'ipv6');
refused.addSubnet('224.0.0.0', 4, 'ipv4');
refused.addSubnet('ff00::', 8, 'ipv6');

export type AddressRules = Pick<AccessRules, 'allowLoopback' | 'allowLinkLocal' | 'allowMetadata'>;

/**
 * Whether an address may be dialled (AC-25). IPv4 addresses are recognized inside mapped, compatible, NAT64 and 6to4
 * IPv6 addresses; anything that is not an IP address is refused.
 */
export function isAddressAllowed(address: string, rules: AddressRules): boolean {
  const plain = address.replace(/%.*$/, '');
  const family = isIP(plain);
  if (family === 0) return false;
  return [plain, ...(family === 6 ? embeddedIpv4(plain) : [])].every((each) => {
    const type = isIP(each) === 4 ? 'ipv4' : 'ipv6';
    if (refused.check(each, type)) return false;
    if (metadata.check(each, type)) return rules.allowMetadata;
    if (linkLocal.check(each, type)) return rules.allowLinkLocal;
    return rules.allowLoopback || !loopback.check(each, type);
  });
}

function embeddedIpv4(address: string): string[] {
  const groups = expandIpv6(address);
  const pair = (high: number, low: number): string => [high >> 8, high & 255, low >> 8, low & 255].join('.');
  const last = pair(groups[6] ?? 0, groups[7] ?? 0);
  const startsWith = (...prefix: number[]): boolean =>
    prefix.every((group, index) => groups[index] === group);
  if (startsWith(0, 0, 0, 0, 0, 0xffff)) return [last];
  if (startsWith(0, 0, 0, 0, 0xffff, 0)) return [last];
  if (startsWith(0x64, 0xff9b)) return [last];
  if (startsWith(0x2002)) return [pair(groups[1] ?? 0, groups[2] ?? 0)];
  // IPv4-compatible; :: and ::1 themselves are on the lists above.
  if (startsWith(0, 0, 0, 0, 0, 0) && ((groups[6] ?? 0) !== 0 || (groups[7] ?? 0) > 1)) return [last];
  return [];
}
