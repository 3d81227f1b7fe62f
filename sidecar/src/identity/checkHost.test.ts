import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { expect, it } from 'vitest';
import { hasOneHost, isHostAllowed } from './checkHost.ts';

const requestTo = (...hosts: string[]): IncomingMessage => {
  const request = new IncomingMessage(new Socket());
  request.rawHeaders = ['Accept', 'host', ...hosts.flatMap((host) => ['hOSt', host]), 'Hosts', 'x'];
  return request;
};
const allowed = (port: number, ...hosts: string[]): boolean => isHostAllowed(requestTo(...hosts), port);

it.each([
  [4466, 'localhost:4466'],
  [4466, 'LocalHost:4466'],
  [4466, '127.0.0.1:4466'],
  [4466, '127.1.2.3:4466'],
  [4466, '[::1]:4466'],
  [80, 'localhost'],
  [80, '127.0.0.1:80'],
])('TH-12: serves port %i as %j', (port, host) => {
  expect(allowed(port, host)).toBe(true);
});

it.each([
  '',
  'localhost',
  'localhost:',
  'localhost:4467',
  'localhost:04466x',
  'localhost.evil.example:4466',
  'evil.example:4466',
  'evil-localhost:4466',
  '127.0.0.1.evil.example:4466',
  '128.0.0.1:4466',
  '0.0.0.0:4466',
  '[::]:4466',
  '[::2]:4466',
  '::1:4466',
  'localhost:4466, evil.example',
  'evil.example/localhost:4466',
  'user@localhost:4466',
  'localhost:4466\tx',
])('ID-09, TH-12: refuses %j', (host) => {
  expect(allowed(4466, host)).toBe(false);
});

it('TH-12: refuses no Host and more than one, though the first is right', () => {
  expect(allowed(4466)).toBe(false);
  expect(allowed(4466, 'localhost:4466', 'evil.example')).toBe(false);
  expect(allowed(4466, 'localhost:4466', 'localhost:4466')).toBe(false);
});

it.each([
  ['1.1', 0, false],
  ['1.1', 1, true],
  ['1.1', 2, false],
  ['1.0', 0, true],
  ['1.0', 1, true],
  ['1.0', 2, false],
])(
  'TH-12: whether a request of HTTP/%s with %i Hosts may come at all: %s',
  (httpVersion, count, expected) => {
    const request = requestTo(...Array.from({ length: count }, () => 'localhost'));
    request.httpVersion = httpVersion;
    expect(hasOneHost(request)).toBe(expected);
  },
);
