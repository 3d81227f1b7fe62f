import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { expect, it } from 'vitest';
import { codedErrorOf } from '../../test/support/codedErrorOf.ts';
import { readRequestBody } from './readRequestBody.ts';

function requestOf(...chunks: readonly string[]): IncomingMessage {
  const request = new IncomingMessage(new Socket());
  for (const chunk of [...chunks, null]) request.push(chunk);
  return request;
}

it('reads a whole body up to its limit', async () => {
  expect((await readRequestBody(requestOf('ab', 'cd'), 4)).toString()).toBe('abcd');
  expect((await readRequestBody(requestOf(), 4)).toString()).toBe('');
});

it('refuses one that is longer', async () => {
  expect((await codedErrorOf(() => readRequestBody(requestOf('ab', 'cde'), 4))).code).toBe('body-too-large');
});
