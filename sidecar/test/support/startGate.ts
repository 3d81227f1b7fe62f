import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { until } from './until.ts';

/** A door before a cluster: who knocks waits until a test lets it in or turns it away. */
export interface Gate {
  readonly port: number;
  /** Lets one in, by its order. */
  pass(index: number): Promise<void>;
  /** Turns one away, or ends it when it is in. */
  drop(index: number): Promise<void>;
  /** What the cluster says to one is kept, and handed on in one piece by what this returns. */
  gather(index: number): () => void;
  readonly knocked: number;
  close(): Promise<void>;
}

interface Visitor {
  readonly near: Socket;
  far: Socket | undefined;
  gathered: Buffer[] | undefined;
}

export async function startGate(targetPort: number): Promise<Gate> {
  const visitors: Visitor[] = [];
  const server = createServer({ pauseOnConnect: true, noDelay: true }, (near) => {
    near.on('error', () => undefined);
    visitors.push({ near, far: undefined, gathered: undefined });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const visitor = async (index: number): Promise<Visitor> => {
    await until(`${index} knocks`, () => visitors.length > index);
    const found = visitors[index];
    if (!found) throw new Error('not there');
    return found;
  };
  return {
    port: (server.address() as AddressInfo).port,
    async pass(index) {
      const each = await visitor(index);
      const far = connect({ host: '127.0.0.1', port: targetPort, noDelay: true });
      each.far = far;
      far.on('error', () => undefined);
      far.on('data', (chunk) => {
        if (each.gathered) each.gathered.push(chunk);
        else each.near.write(chunk);
      });
      far.on('close', () => each.near.destroy());
      each.near.on('close', () => far.destroy());
      each.near.pipe(far);
    },
    async drop(index) {
      (await visitor(index)).near.resetAndDestroy();
    },
    gather(index) {
      const each = visitors[index];
      if (!each) throw new Error('not there');
      each.gathered = [];
      return () => {
        each.near.write(Buffer.concat(each.gathered ?? []));
        each.gathered = undefined;
      };
    },
    get knocked() {
      return visitors.length;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        for (const { near, far } of visitors) {
          near.destroy();
          far?.destroy();
        }
      }),
  };
}
