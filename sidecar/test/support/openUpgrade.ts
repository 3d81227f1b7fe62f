import type { Socket } from 'node:net';
import type { ClusterConnections } from '../../src/clusters/liveCluster.ts';
import type { Exchange } from '../../src/clusters/exchange.ts';
import type { Credential } from '../../src/credentials/credential.ts';
import type { CodedError } from '../../src/foundation/errors.ts';

export interface Opening {
  readonly exchange: Exchange;
  /** Its connection, after a 101. */
  readonly upgraded: Promise<Socket>;
  /** What came of it when it failed. */
  readonly error: Promise<CodedError>;
}

/** Asks for an upgrade, which has a connection of its own, or for what needs none. */
export function openUpgrade(
  connections: ClusterConnections,
  credential: Credential | undefined,
  isUpgrade = true,
): Opening {
  const failed = Promise.withResolvers<CodedError>();
  const upgraded = Promise.withResolvers<Socket>();
  const nothing = (): void => undefined;
  const exchange = connections.send(
    credential,
    { method: 'GET', target: '/x', headers: ['Host', 'cluster'], body: null, isUpgrade },
    {
      onSent: nothing,
      onHead: nothing,
      onData: nothing,
      onWait: nothing,
      onEnd: nothing,
      onUpgrade: (_head, socket) => {
        upgraded.resolve(socket);
      },
      onError: failed.resolve,
    },
    { headTimeoutMs: 0, maxHeadBytes: 1024 },
  );
  return { exchange, upgraded: upgraded.promise, error: failed.promise };
}
