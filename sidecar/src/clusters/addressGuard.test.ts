import { describe, expect, it } from 'vitest';
import { isAddressAllowed } from './addressGuard.ts';

describe('[AC-25, TH-21] addresses that clusters may not have', () => {
  const pod = { allowLoopback: false };
  const desktop = { allowLoopback: true };

  it.each([
    '0.0.0.0',
    '0.1.2.3',
    '::',
    '169.254.169.254',
    '169.254.0.1',
    'fe80::1',
    'fe80::1%eth0',
    'fd00:ec2::254',
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
});
