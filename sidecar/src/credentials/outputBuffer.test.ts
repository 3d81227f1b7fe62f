import { describe, expect, it } from 'vitest';
import { createBoundedOutput, createOutputTail } from './outputBuffer.ts';

describe('createBoundedOutput', () => {
  it('keeps what fits and lets go of everything beyond', () => {
    const output = createBoundedOutput(4);
    expect(output.push(Buffer.from('ab'))).toBe(true);
    expect(output.push(Buffer.from('cd'))).toBe(true);
    expect(output.bytes().toString()).toBe('abcd');
    expect(output.push(Buffer.from('e'))).toBe(false);
    expect(output.bytes()).toHaveLength(0);
  });
});

describe('createOutputTail', () => {
  const tailOf = (maxBytes: number, ...chunks: string[]): string => {
    const tail = createOutputTail(maxBytes);
    for (const chunk of chunks) tail.push(Buffer.from(chunk));
    return tail.text();
  };

  it('keeps a short stream whole', () => {
    expect(tailOf(10, 'one\n', 'two')).toBe('one\ntwo');
    expect(tailOf(7, 'one\ntwo')).toBe('one\ntwo');
  });

  it('[EX-15] keeps the end, from the first whole line on', () => {
    expect(tailOf(10, 'token: aaa\nsecond\n')).toBe('second\n');
    expect(tailOf(10, 'token: ', 'aaa\nsec', 'ond\n')).toBe('second\n');
    expect(tailOf(10, 'password bbbbbbbbbbbbbbbbbbbb')).toBe('[a line too long to be shown]');
  });
});
