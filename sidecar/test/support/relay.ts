import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A box between two ends of a connection, which may stop to carry anything without a word to either. */
export interface Relay {
  readonly port: number;
  /** What is open stays open, and nothing of it arrives any more, nor of what is opened from now on. */
  swallow(): void;
  /** What is opened from now on is carried again; what was swallowed stays so. */
  restore(): void;
  /** Connections that were opened so far. */
  readonly opened: number;
  close(): Promise<void>;
}

export async function startRelay(targetPort: number): Promise<Relay> {
  const sockets = new Set<Socket>();
  let swallowing = false;
  let opened = 0;
  const carries = new Set<{ on: boolean }>();

  const server = createServer((near) => {
    opened++;
    const carry = { on: !swallowing };
    carries.add(carry);
    const far = connect({ host: '127.0.0.1', port: targetPort });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('data', (chunk) => {
        if (carry.on) to.write(chunk);
      });
      from.on('error', () => undefined);
      // The end of one side is a message as well.
      from.on('close', () => {
        if (carry.on) to.destroy();
        sockets.delete(from);
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    swallow() {
      swallowing = true;
      for (const carry of carries) carry.on = false;
    },
    restore() {
      swallowing = false;
    },
    get opened() {
      return opened;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        for (const socket of sockets) socket.destroy();
      }),
  };
}
