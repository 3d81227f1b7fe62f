import { expect, it } from 'vitest';
import { IncomingBytes } from './incomingBytes.ts';

it('[PX-30, TH-45] what a cluster says before anybody takes it is told in its order, and whole', async () => {
  const incoming = new IncomingBytes();
  const shared = Buffer.alloc(4);
  for (const piece of ['one ', 'two ']) {
    shared.write(piece);
    incoming.come(shared);
  }
  let told = '';
  incoming.takeBy((piece) => (told += piece.toString()));
  expect(told).toBe('');
  await new Promise((resolve) => setImmediate(resolve));
  incoming.come(Buffer.from('three'));
  expect(told).toBe('one two three');
});
