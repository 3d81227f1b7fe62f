import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import { listen } from '../../src/server/listen.ts';
import { codedErrorOf } from '../support/codedErrorOf.ts';

it('[FA-44] a connection that cannot be accepted ends nothing', async () => {
  const server = createServer();
  await listen(server, { host: '127.0.0.1', port: 0 });
  expect(() => server.emit('error', Object.assign(new Error('accept'), { code: 'EMFILE' }))).not.toThrow();
  expect(server.listening).toBe(true);
  server.close();
});

it('[OP-13] an address that is taken is one that cannot be used', async () => {
  const taken = createServer();
  const port = await listen(taken, { host: '127.0.0.1', port: 0 });
  const { code } = await codedErrorOf(() => listen(createServer(), { host: '127.0.0.1', port }));
  expect(code).toBe('listen-failed');
  taken.close();
});
