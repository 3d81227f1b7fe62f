import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { type buildConnector, Pool } from 'undici';
import type { Credential } from '../credentials/credential.ts';
import { CodedError } from '../foundation/errors.ts';
import type { ClusterConnection } from './connection.ts';
import { dial } from './dial.ts';
import type { ClusterConnections } from './liveCluster.ts';
import { buildSecureContext } from './trust.ts';

const connectTimeoutMs = 10_000;
const keepAliveMs = 30_000;
const maxHeaderBytes = 64 * 1024;

/** What belongs to one client certificate, or to none. */
interface Generation {
  readonly key: string;
  readonly secureContext: SecureContext | undefined;
  session: Buffer | undefined;
  pool: Pool | undefined;
  readonly sockets: Set<Socket>;
}

/**
 * The connections to one cluster, nothing until they are needed. A changed client certificate ends those made with the
 * old one, a changed token none (EX-26).
 */
export function createClusterConnections(connection: ClusterConnection): ClusterConnections {
  let current: Generation | undefined;
  let closed = false;

  const end = (generation: Generation): void => {
    void generation.pool?.destroy().catch(() => undefined);
    for (const socket of generation.sockets) socket.destroy();
  };

  const generationFor = (credential: Credential | undefined): Generation => {
    const key = credential?.connectionKey ?? '';
    if (current?.key === key) return current;
    if (current) end(current);
    current = {
      key,
      secureContext:
        connection.protocol === 'https:' ? buildSecureContext(connection, credential) : undefined,
      session: undefined,
      pool: undefined,
      sockets: new Set(),
    };
    return current;
  };

  const open = async (generation: Generation, signal?: AbortSignal): Promise<Socket> => {
    if (closed) throw new CodedError('connection-reset');
    const socket = await dial(connection, {
      secureContext: generation.secureContext,
      session: generation.session,
      onSession: (session) => {
        generation.session = session;
      },
      timeoutMs: connectTimeoutMs,
      signal,
    });
    generation.sockets.add(socket);
    socket.once('close', () => generation.sockets.delete(socket));
    // Closed, or another certificate came, while it was being dialled.
    if (generation !== current) socket.destroy();
    return socket;
  };

  return {
    dispatcher(credential) {
      const generation = generationFor(credential);
      const connect: buildConnector.connector = (_options, callback) => {
        open(generation).then(
          (socket) => {
            callback(null, socket);
          },
          (error: unknown) => {
            callback(error instanceof Error ? error : new Error('not connected'), null);
          },
        );
      };
      generation.pool ??= new Pool(`${connection.protocol}//${connection.hostHeader}`, {
        connect,
        allowH2: false,
        pipelining: 1,
        keepAliveTimeout: keepAliveMs,
        maxHeaderSize: maxHeaderBytes,
        // Limits of time belong to each request.
        headersTimeout: 0,
        bodyTimeout: 0,
      });
      return generation.pool;
    },
    dial: (credential, signal) => open(generationFor(credential), signal),
    close() {
      closed = true;
      if (current) end(current);
      current = undefined;
    },
  };
}
