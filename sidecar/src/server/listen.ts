import type { AddressInfo, Server } from 'node:net';
import type { ListenAddress } from '../config/optionValues.ts';
import { CodedError } from '../foundation/errors.ts';

/** @returns the port. @throws CodedError `listen-failed` */
export function listen(server: Server, { host, port }: ListenAddress): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why =
        cause.code === 'EADDRINUSE'
          ? 'is taken'
          : cause.code === 'EACCES'
            ? 'is not allowed'
            : (cause.code ?? 'failed');
      reject(new CodedError('listen-failed', `cannot listen on ${host}:${String(port)}: ${why}`, { cause }));
    });
    server.listen({ host, port }, () => {
      server.removeAllListeners('error');
      // From here on these are connections that could not be accepted, which ends nobody else's (FA-44).
      server.on('error', () => undefined);
      resolve((server.address() as AddressInfo).port);
    });
  });
}
