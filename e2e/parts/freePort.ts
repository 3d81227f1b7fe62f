import { createServer } from 'node:net';

const handedOut = new Set<number>();

/** A TCP port on 127.0.0.1 that was free a moment ago and was not handed out before in this process. */
export async function findFreePort(): Promise<number> {
  for (;;) {
    const port = await new Promise<number>((resolve, reject) => {
      const server = createServer();
      server.once('error', reject);
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        server.close(() => {
          if (typeof address === 'object' && address) resolve(address.port);
          else reject(new Error('no port'));
        });
      });
    });
    if (handedOut.has(port)) continue;
    handedOut.add(port);
    return port;
  }
}

/** Whether nobody listens on this port of 127.0.0.1, and we may. */
export async function isPortFree(port: number): Promise<boolean> {
  return (await findPortProblem(port)) === undefined;
}

/** Why nobody can listen on this port of 127.0.0.1, if so. */
export function findPortProblem(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      resolve(
        error.code === 'EADDRINUSE' ? 'this port is taken' : `this port cannot be used (${error.message})`,
      );
    });
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(undefined)));
  });
}
