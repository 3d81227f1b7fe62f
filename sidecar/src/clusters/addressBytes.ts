import { isIP } from 'node:net';

/** The four or sixteen bytes of an IP address. */
export function addressBytes(address: string): readonly number[] {
  return isIP(address) === 4
    ? address.split('.').map(Number)
    : expandIpv6(address).flatMap((group) => [group >> 8, group & 0xff]);
}

/** The eight groups of an IPv6 address. */
export function expandIpv6(address: string): number[] {
  const dotted = /(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const text = dotted
    ? address.slice(0, dotted.index) +
      [dotted.slice(1, 3), dotted.slice(3, 5)]
        .map(([high, low]) => ((Number(high) << 8) | Number(low)).toString(16))
        .join(':')
    : address;
  const [head = '', tail] = text.split('::');
  const parse = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => parseInt(group, 16));
  const left = parse(head);
  if (tail === undefined) return left;
  const right = parse(tail);
  return [...left, ...new Array<number>(Math.max(0, 8 - left.length - right.length)).fill(0), ...right];
}
