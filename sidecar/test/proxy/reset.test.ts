import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { resetSocket } from '../../src/proxy/status.ts';

const server = createServer({ allowHalfOpen: true });
let client: Socket;
let socket: Socket;

beforeEach(async () => {
  if (!server.listening) await once(server.listen(0, '127.0.0.1'), 'listening');
  const accepted = once(server, 'connection');
  client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.resume();
  [socket] = (await accepted) as [Socket];
  socket.on('error', () => undefined);
});

afterEach(() => {
  client.destroy();
  server.close();
});

it('[PX-23] a connection is reset', async () => {
  const failed = once(client, 'error');
  resetSocket(socket);
  expect(await failed).toMatchObject([{ code: 'ECONNRESET' }]);
});

it.each([0, 1, 2])('[PX-23, PX-42] one that is being ended in this moment is closed (%i)', async (turns) => {
  client.on('error', () => undefined);
  const closed = Promise.all([once(socket, 'close'), once(client, 'close')]);
  socket.end('last');
  for (let turn = 0; turn < turns; turn++) await new Promise<void>((resolve) => process.nextTick(resolve));
  resetSocket(socket);
  await closed;
});
