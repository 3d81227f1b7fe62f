import { expect, it } from 'vitest';
import { CodedError } from '../foundation/errors.ts';
import { type UpstreamMessage, writeMessageHead } from './upstreamMessage.ts';

const characters = Array.from({ length: 0x180 }, (_, code) => String.fromCharCode(code));
const tokenCharacters = "!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~";

const write = (message: Partial<UpstreamMessage>): string =>
  writeMessageHead({ method: 'GET', target: '/', headers: [], body: null, ...message }).text;

function isWritten(message: Partial<UpstreamMessage>): boolean {
  try {
    write(message);
    return true;
  } catch (thrown) {
    if (thrown instanceof CodedError && thrown.code === 'headers-refused') return false;
    throw thrown;
  }
}

const held = (form: (character: string) => Partial<UpstreamMessage>): string =>
  characters.filter((character) => isWritten(form(character))).join('');

it('[PX-10] each header is a line, in its order and spelling', () => {
  expect(write({ headers: ['Host', 'a', 'aCCept', 'x', 'Accept', '', 'X', '\xe9\t'] })).toBe(
    'GET / HTTP/1.1\r\nHost: a\r\naCCept: x\r\nAccept: \r\nX: \xe9\t\r\n\r\n',
  );
});

it('[PX-24] what frames the body is behind them, and said once', () => {
  const headers = ['Host', 'a'];
  const head = 'T / HTTP/1.1\r\nHost: a\r\n';
  const body = Buffer.from('abc');
  expect(write({ method: 'POST', headers })).toBe(`POS${head}Content-Length: 0\r\n\r\n`);
  expect(write({ method: 'PUT', headers, body })).toBe(`PU${head}Content-Length: 3\r\n\r\n`);
  expect(write({ headers: [...headers, 'content-LENGTH', '3'], body })).toBe(
    `GE${head}content-LENGTH: 3\r\n\r\n`,
  );
  expect(isWritten({ headers: ['Content-Length', '3', 'content-length', '3'], body })).toBe(false);
  expect(isWritten({ headers: ['Content-Length', '3'] })).toBe(false);
});

it('[PX-01, PX-10] refuses what could not be one head, in any place', () => {
  const values = characters.filter(
    (each) => each === '\t' || (each >= ' ' && each <= '\xff' && each !== '\x7f'),
  );
  expect(held((each) => ({ method: `G${each}T` }))).toBe(tokenCharacters);
  expect(held((each) => ({ target: `/${each}x` }))).toBe(
    values.filter((each) => /[!-~]/.test(each)).join(''),
  );
  expect(held((each) => ({ headers: ['Host', 'a', `x${each}y`, 'b'] }))).toBe(tokenCharacters);
  expect(held((each) => ({ headers: ['Host', `a${each}b`] }))).toBe(values.join(''));
  for (const bad of [{ method: '' }, { target: '' }, { headers: ['', 'a'] }])
    expect(isWritten(bad)).toBe(false);
  // Neither is a line of its own one that was a good name once.
  expect(isWritten({ headers: ['A', 'b', 'A: b\r\nC', 'd'] })).toBe(false);
  expect(isWritten({ headers: ['A', 'b\r\nC: d'] })).toBe(false);
});
