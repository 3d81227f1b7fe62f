import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { parseTrustedProxies } from '../config/trustedProxies.ts';
import { createOwnAddresses } from './ownAddresses.ts';

function requestFrom(address: string, headers: Readonly<Record<string, string>>): IncomingMessage {
  const socket = new Socket();
  Object.defineProperty(socket, 'remoteAddress', { value: address });
  const request = new IncomingMessage(socket);
  request.headers = { host: 'Inside:4466', ...headers };
  request.rawHeaders = ['Host', request.headers.host ?? ''];
  return request;
}

const forwarded = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'Headlamp.example, inner' };
const options = { port: () => 4466, allowedOrigins: [], trustedProxies: parseTrustedProxies(['10.0.0.0/8']) };

describe('ID-09, OP-25: own origins', () => {
  const addresses = createOwnAddresses({ ...options, isLoopback: false });
  const ownOrigins = (request: IncomingMessage): readonly string[] => addresses.ownOrigins(request);

  it('are the scheme and host of the request', () => {
    expect(ownOrigins(requestFrom('192.0.2.1', {}))).toEqual(['http://inside:4466']);
  });

  it('are what a trusted proxy says that the browser asked, and nobody else', () => {
    expect(ownOrigins(requestFrom('10.1.1.1', forwarded))).toEqual(['https://headlamp.example']);
    expect(ownOrigins(requestFrom('192.0.2.1', forwarded))).toEqual(['http://inside:4466']);
  });

  it('are those that are named, where some are', () => {
    const named = createOwnAddresses({
      ...options,
      isLoopback: false,
      allowedOrigins: ['https://a.example'],
    });
    expect(named.ownOrigins(requestFrom('10.1.1.1', forwarded))).toEqual(['https://a.example']);
  });
});

it('PX-43: the scheme is that of the listener, or what a trusted proxy says', () => {
  const addresses = createOwnAddresses({ ...options, isLoopback: false });
  expect(addresses.schemeOf(requestFrom('192.0.2.1', forwarded))).toBe('http');
  expect(addresses.schemeOf(requestFrom('10.1.1.1', forwarded))).toBe('https');
  expect(addresses.schemeOf(requestFrom('10.1.1.1', { 'x-forwarded-proto': 'gopher' }))).toBe('http');
});

it('TH-12: a Host is checked where only this machine listens', () => {
  const request = requestFrom('127.0.0.1', {});
  expect(createOwnAddresses({ ...options, isLoopback: true }).isHostAllowed(request)).toBe(false);
  expect(createOwnAddresses({ ...options, isLoopback: false }).isHostAllowed(request)).toBe(true);
});
