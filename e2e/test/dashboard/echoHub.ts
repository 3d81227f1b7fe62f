import { createServer } from 'node:http';

/** What it answers with. */
export interface Echo {
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface EchoHub {
  url: string;
  stop: () => Promise<void>;
}

/** Stands in for an API server: answers with what it was asked, and echoes an upgraded connection's bytes. */
export async function startEchoHub(): Promise<EchoHub> {
  const server = createServer((request, response) => {
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify({ target: request.url, headers: request.headers }));
  });
  server.on('upgrade', (request, socket, head) => {
    const protocol = request.headers['sec-websocket-protocol'];
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`);
    socket.write(`Sec-WebSocket-Protocol: ${protocol}\r\nX-Seen: ${request.headers.authorization}\r\n\r\n`);
    socket.write(head);
    socket.on('error', () => socket.destroy()).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
