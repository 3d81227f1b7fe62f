import { describe, expect, it } from 'vitest';
import { findWeakening } from './findWeakening.ts';

const byOptions = (text: string): string | undefined => findWeakening([], { NODE_OPTIONS: text });

it('TH-47: an ordinary Node is not weakened', () => {
  expect(findWeakening([], {})).toBeUndefined();
  expect(findWeakening(['--max-old-space-size=100'], { NODE_OPTIONS: '', PATH: '/bin' })).toBeUndefined();
});

it('TH-47: TLS that is not verified is, in the one spelling that Node knows', () => {
  expect(findWeakening([], { NODE_TLS_REJECT_UNAUTHORIZED: '0' })).toBe('NODE_TLS_REJECT_UNAUTHORIZED=0');
  for (const text of ['1', '', 'false', '00'])
    expect(findWeakening([], { NODE_TLS_REJECT_UNAUTHORIZED: text })).toBeUndefined();
});

const weakening = [
  '--insecure-http-parser',
  '--insecure_http_parser',
  '--insecure-http_parser',
  '--insecure-http-parser=true',
  '--security-revert=CVE-2023-46809',
  '--tls-min-v1.0',
  '--tls_min_v1.1',
  '--tls-keylog=/tmp/keys',
  '--experimental-config-file=node.json',
  '--experimental-default-config-file',
];

describe.each(weakening)('%s', (flag) => {
  it('TH-47: weakens as a flag of the command line, wherever it stands', () => {
    expect(findWeakening(['--title=x', flag, '--no-warnings'], {})).toBe(flag);
  });

  it.each([
    ['alone', (text: string) => text],
    ['among others', (text: string) => `--title=x  ${text} --no-warnings`],
    ['between quotes', (text: string) => `"${text}"`],
    ['with quotes in it', (text: string) => `${text.slice(0, 4)}"${text.slice(4, 8)}"${text.slice(8)}`],
    ['with a backslash between quotes', (text: string) => `"${text.slice(0, 4)}\\${text.slice(4)}"`],
    ['behind a value with spaces', (text: string) => `--title="a b \\" c" ${text}`],
  ])('TH-47: weakens in NODE_OPTIONS, %s', (_, write) => {
    expect(byOptions(write(flag))).toBe(flag);
  });
});

it.each([
  '--no-insecure-http-parser',
  '--insecure-http-parser-not',
  '--title=--insecure-http-parser',
  '"--title=a --insecure-http-parser"',
  '--title="a --tls-min-v1.0"',
  '--tls-min-v1.2',
  '--tls-max-v1.2',
  '--openssl-legacy-provider',
  '--max-http-header-size=1000000',
])('TH-47: %s weakens nothing', (text) => {
  expect(byOptions(text)).toBeUndefined();
});
