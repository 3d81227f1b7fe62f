import { describe, expect, it } from 'vitest';
import { findServerPatternFault, matchesServerPattern } from './serverPattern.ts';

function matches(pattern: string, server: string): boolean {
  expect(findServerPatternFault(pattern)).toBeUndefined();
  const { hostname, port } = new URL(server);
  return matchesServerPattern(pattern, {
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? 443 : Number(port),
  });
}

describe('servers that a policy names', () => {
  it.each([
    ['*', 'https://anything.example:1234'],
    ['*', 'https://[fd00::1]:6443'],
    ['*:6443', 'https://10.0.0.1:6443'],
    ['api.example.com', 'https://api.example.com'],
    ['api.example.com:443', 'https://api.example.com'],
    ['API.example.com:6443', 'https://api.EXAMPLE.com:6443/base'],
    ['api.example.com:*', 'https://api.example.com:8443'],
    ['api.example.com:64*', 'https://api.example.com:6443'],
    ['*.gr7.eu-west-1.eks.example.com', 'https://ABC.gr7.eu-west-1.eks.example.com'],
    ['api-*.example.com:6443', 'https://api-eu.example.com:6443'],
    ['kind-*:6443', 'https://kind-one:6443'],
    ['10.0.0.1:6443', 'https://10.0.0.1:6443'],
    ['10.0.0.0/8:6443', 'https://10.200.3.4:6443'],
    ['10.0.0.0/8:6443', 'https://0xa010203:6443'],
    ['[fd00::/8]:6443', 'https://[fd12:0:0::7]:6443'],
    ['[fd00:0:0::1]:6443', 'https://[fd00::1]:6443'],
  ])('[AC-26] %s allows %s', (pattern, server) => {
    expect(matches(pattern, server)).toBe(true);
  });

  it.each([
    ['api.example.com', 'https://api.example.com:6443'],
    ['api.example.com:6443', 'https://api.example.com'],
    ['api.example.com:6443', 'https://api.example.com.evil.example:6443'],
    ['api.example.com:6443', 'https://evilapi.example.com:6443'],
    ['api.example.com:6443', 'https://apiXexample.com:6443'],
    ['*.example.com', 'https://example.com'],
    ['*.example.com', 'https://a.b.example.com'],
    ['api-*.eks.example.com', 'https://api-x.evil.eks.example.com'],
    ['kind-*:6443', 'https://kind-x.evil.example:6443'],
    ['f*:6443', 'https://[fd00::1]:6443'],
    ['10.0.0.0/8:6443', 'https://11.0.0.1:6443'],
    ['10.0.0.0/8:6443', 'https://10.0.0.1.evil.example:6443'],
    ['10.0.0.0/8:6443', 'https://[fd00::1]:6443'],
    ['[fd00::/8]:6443', 'https://[fe00::1]:6443'],
    ['*:6443', 'https://api.example.com:16443'],
    ['api.example.com:64*', 'https://api.example.com:16443'],
  ])('[AC-26, TH-20] %s does not allow %s', (pattern, server) => {
    expect(matches(pattern, server)).toBe(false);
  });

  it.each([
    ['10.0.*.*:6443', 'anybody may own such a name'],
    ['api.example.*', 'anybody may own such a name'],
    ['api.example.co*', 'anybody may own such a name'],
    ['https://api.example.com', 'not a host and a port'],
    ['api.example.com:', 'not a host and a port'],
    ['api.example.com:http', 'not a host and a port'],
    ['api.example.com:123456', 'not a host and a port'],
    ['api..example.com', 'not a host and a port'],
    ['user@api.example.com', 'not a host and a port'],
    ['', 'not a host and a port'],
    [' *', 'not a host and a port'],
    ['fd00::1', 'not a host and a port'],
    ['10.0.0.0/33', 'not an IPv4 range'],
    ['10.0.0.0/x', 'not an IPv4 range'],
    ['example.com/8', 'not an IPv4 range'],
    ['10.0.0.0/8/8', 'not an IPv4 range'],
    ['[fd00::/129]', 'not an IPv6 address or range'],
    ['[10.0.0.1]:1', 'not an IPv6 address or range'],
    ['[fe80::1%eth0]:1', 'not an IPv6 address or range'],
  ])('[AC-26] %j is refused when the policy is read', (pattern, fault) => {
    expect(findServerPatternFault(pattern)).toContain(fault);
    expect(matchesServerPattern(pattern, { hostname: 'api.example.com', port: 443 })).toBe(false);
  });
});
