import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { type buildConnector, Pool } from 'undici';
import type { Credential } from '../credentials/credential.ts';
import { CodedError } from '../foundation/errors.ts';
import type { ClusterConnection } from './connection.ts';
import { dial } from './dial.ts';
import type { ClusterConnections } from './liveCluster.ts';
import { buildSecureContext } from './trust.ts';

const keepAliveMs = 30_000;
const maxHeaderBytes = 64 * 1024;

/** What belongs to one client certificate, or to none. */
interface Generation {
  readonly key: string;
  readonly secureContext: SecureContext | undefined;
  session: Buffer | undefined;
  pool: Pool | undefined;
  readonly sockets: Set<Socket>;
  /** How often it was ended: what is being dialled meanwhile is not kept. */
  endings: number;
}

/**
 * The connections to one cluster, nothing until they are needed. A changed client certificate ends those made with the
 * old one, a changed token none (EX-26).
 */
export function createClusterConnections(
  connection: ClusterConnection,
  { connectTimeoutMs = 10_000 }: { readonly connectTimeoutMs?: number } = {},
): ClusterConnections {
  let current: Generation | undefined;
  let closed = false;
  /** Which generation each credential was first used with. */
  const generations = new WeakMap<Credential, Generation>();
  /** Those of renewed credentials that somebody still holds. */
  const outdated = new Set<Generation>();

  const end = (generation: Generation): void => {
    generation.endings++;
    void generation.pool?.destroy().catch(() => undefined);
    generation.pool = undefined;
    for (const socket of generation.sockets) socket.destroy();
  };

  const endAll = (): void => {
    for (const generation of outdated) end(generation);
    outdated.clear();
    if (current) end(current);
  };

  const generationFor = (credential: Credential | undefined): Generation => {
    const key = credential?.connectionKey ?? '';
    if (current?.key === key) {
      if (credential) generations.set(credential, current);
      return current;
    }
    const earlier = credential && generations.get(credential);
    if (earlier) {
      // It was renewed since: what it still opens is its own, and ends nothing of the newer one.
      outdated.add(earlier);
      return earlier;
    }
    endAll();
    current = {
      key,
      secureContext:
        connection.protocol === 'https:' ? buildSecureContext(connection, credential) : undefined,
      session: undefined,
      pool: undefined,
      sockets: new Set(),
      endings: 0,
    };
    if (credential) generations.set(credential, current);
    return current;
  };

  const open = async (generation: Generation, signal?: AbortSignal): Promise<Socket> => {
    if (closed) throw new CodedError('connection-reset');
    const { endings } = generation;
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
    if (generation.endings !== endings) socket.destroy();
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
      endAll();
      current = undefined;
    },
  };
}
