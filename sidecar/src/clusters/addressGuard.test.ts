import { describe, expect, it } from 'vitest';
import { isAddressAllowed } from './addressGuard.ts';

describe('[AC-25, TH-21] addresses that clusters may not have', () => {
  const pod = { allowLoopback: false, allowLinkLocal: false, allowMetadata: false };
  const desktop = { ...pod, allowLoopback: true };

  it.each([
    '0.0.0.0',
    '0.1.2.3',
    '::',
    '169.254.169.254',
    '169.254.0.1',
    'fe80::1',
    'fe80::1%eth0',
    'fd00:ec2::254',
    'fd00:ec2::23',
    'fd20:ce::254',
    '100.100.100.200',
    '192.0.0.192',
    '168.63.129.16',
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
    '64:ff9b::169.254.169.254',
    '64:ff9b::a9fe:a9fe',
    '2002:a9fe:a9fe::1',
    '::a9fe:a9fe',
    '::ffff:0:a9fe:a9fe',
    '224.0.0.1',
    'ff02::1',
    'not-an-address',
    '',
  ])('%s is refused everywhere', (address) => {
    expect(isAddressAllowed(address, pod)).toBe(false);
    expect(isAddressAllowed(address, desktop)).toBe(false);
  });

  it.each(['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1', '64:ff9b::7f00:1', '::7f00:1'])(
    '%s is loopback: refused in a pod, allowed on the desktop',
    (address) => {
      expect(isAddressAllowed(address, pod)).toBe(false);
      expect(isAddressAllowed(address, desktop)).toBe(true);
    },
  );

  it.each(['10.0.0.1', '192.0.2.7', '172.16.0.1', 'fd00::1', '2001:db8::1', '::ffff:10.0.0.1'])(
    '%s is a cluster’s',
    (address) => {
      expect(isAddressAllowed(address, pod)).toBe(true);
    },
  );

  it('the policy allows link-local addresses and metadata services each by a word of its own', () => {
    const withLinkLocal = { ...pod, allowLinkLocal: true };
    const withMetadata = { ...pod, allowMetadata: true };
    for (const address of ['169.254.7.7', 'fe80::1', '::ffff:169.254.7.7']) {
      expect(isAddressAllowed(address, withLinkLocal)).toBe(true);
      expect(isAddressAllowed(address, withMetadata)).toBe(false);
    }
    for (const address of ['169.254.169.254', '169.254.170.2', 'fd00:ec2::254', '64:ff9b::a9fe:a9fe']) {
      expect(isAddressAllowed(address, withLinkLocal)).toBe(false);
      expect(isAddressAllowed(address, withMetadata)).toBe(true);
    }
    for (const address of ['0.0.0.0', '::', '224.0.0.1', 'ff02::1']) {
      expect(
        isAddressAllowed(address, { allowLoopback: true, allowLinkLocal: true, allowMetadata: true }),
      ).toBe(false);
    }
  });
});
