import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import type { Credential } from '../credentials/credential.ts';
import { type Clock, systemClock } from '../foundation/clock.ts';
import { CodedError } from '../foundation/errors.ts';
import { asConnectionError } from './connectErrors.ts';
import type { ClusterConnection } from './connection.ts';
import { dial } from './dial.ts';
import { IncomingBytes } from './incomingBytes.ts';
import type { ClusterConnections } from './liveCluster.ts';
import { buildSecureContext } from './trust.ts';
import { UpstreamExchange } from './upstreamExchange.ts';
import { UpstreamSocket } from './upstreamSocket.ts';

export interface ClusterConnectionsOptions {
  readonly connectTimeoutMs?: number;
  readonly clock?: Clock;
}

const defaultConnectTimeoutMs = 10_000;
/** How long an unused connection is kept. */
const keepAliveMs = 30_000;
/** Before a server closes one by its own word, so that no request meets its end. */
const keepAliveMarginMs = 1_000;

/** What belongs to one client certificate, or to none. */
interface Generation {
  readonly key: string;
  readonly secureContext: SecureContext | undefined;
  session: Buffer | undefined;
  /** Unused connections, the one used last at the end. */
  readonly idle: { readonly upstream: UpstreamSocket; readonly until: number }[];
  /** Requests that wait for one, the eldest first. */
  readonly waiting: Set<UpstreamExchange>;
  /** How many are being made for them. */
  dialling: number;
  readonly sockets: Set<Socket>;
  /** Those that exchanges run on, or may. */
  readonly upstreams: Set<UpstreamSocket>;
  /** How often it was ended: what is being dialled meanwhile is not kept. */
  endings: number;
  isSwept: boolean;
}

/**
 * The connections to one cluster, nothing until they are needed. A changed client certificate ends those made with the
 * old one, a changed token none (EX-26).
 */
export function createClusterConnections(
  connection: ClusterConnection,
  { connectTimeoutMs = defaultConnectTimeoutMs, clock = systemClock }: ClusterConnectionsOptions = {},
): ClusterConnections {
  let current: Generation | undefined;
  let closed = false;
  /** Which generation each credential was first used with. */
  const generations = new WeakMap<Credential, Generation>();
  /** Those of renewed credentials that somebody still holds. */
  const outdated = new Set<Generation>();

  const end = (generation: Generation): void => {
    generation.endings++;
    generation.dialling = 0;
    const reason = new CodedError('connection-reset');
    for (const exchange of [...generation.waiting]) exchange.abort(reason);
    for (const upstream of [...generation.upstreams]) upstream.end(reason);
    for (const socket of generation.sockets) socket.destroy();
    generation.idle.length = 0;
  };

  const endAll = (): void => {
    for (const generation of outdated) end(generation);
    outdated.clear();
    if (current) end(current);
  };

  const generationFor = (credential: Credential | undefined): Generation => {
    const key = credential?.connectionKey ?? '';
    if (current?.key === key) {
      if (credential && !generations.has(credential)) generations.set(credential, current);
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
      idle: [],
      waiting: new Set(),
      dialling: 0,
      sockets: new Set(),
      upstreams: new Set(),
      endings: 0,
      isSwept: false,
    };
    if (credential) generations.set(credential, current);
    return current;
  };

  const open = async (
    generation: Generation,
    signal: AbortSignal,
    incoming?: IncomingBytes,
  ): Promise<Socket> => {
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
      incoming,
    });
    generation.sockets.add(socket);
    socket.once('close', () => generation.sockets.delete(socket));
    // Closed, or another certificate came, while it was being dialled.
    if (generation.endings !== endings) socket.destroy();
    return socket;
  };

  const sweep = (generation: Generation): void => {
    const now = clock.now();
    for (const { upstream, until } of generation.idle) if (until <= now) upstream.destroy();
    const kept = generation.idle.filter(({ until }) => until > now);
    generation.idle.splice(0, generation.idle.length, ...kept);
    generation.isSwept = false;
    sweepLater(generation);
  };

  const sweepLater = (generation: Generation): void => {
    if (generation.isSwept || generation.idle.length === 0) return;
    generation.isSwept = true;
    clock.after(keepAliveMs, () => {
      sweep(generation);
    });
  };

  /** To the request that waits longest, or kept. */
  const offer = (generation: Generation, upstream: UpstreamSocket, keepAliveSeconds?: number): void => {
    if (upstream.isDestroyed) {
      generation.upstreams.delete(upstream);
      return;
    }
    const [exchange] = generation.waiting;
    if (exchange) {
      generation.waiting.delete(exchange);
      upstream.begin(exchange);
      return;
    }
    const said = keepAliveSeconds === undefined ? keepAliveMs : keepAliveSeconds * 1000 - keepAliveMarginMs;
    if (said <= 0) {
      upstream.destroy();
      return;
    }
    generation.idle.push({ upstream, until: clock.now() + Math.min(said, keepAliveMs) });
    sweepLater(generation);
  };

  const own = (generation: Generation, socket: Socket, incoming?: IncomingBytes): UpstreamSocket => {
    const { endings } = generation;
    const upstream = new UpstreamSocket({ socket, incoming }, clock, {
      onFree: (keepAliveSeconds) => {
        offer(generation, upstream, keepAliveSeconds);
      },
      onStale: (exchange) => {
        if (generation.endings === endings) connect(generation, exchange);
        // Its connection was ended here.
        else exchange.abort(new CodedError('connection-reset'));
      },
      onGone: () => {
        generation.upstreams.delete(upstream);
      },
    });
    generation.upstreams.add(upstream);
    return upstream;
  };

  /** Whichever is there first serves it: this new connection, or one that another request is done with. */
  const connect = (generation: Generation, exchange: UpstreamExchange): void => {
    const { endings } = generation;
    const leaving = new AbortController();
    let isDialling = true;
    const settle = (): boolean => {
      const isCounted = isDialling && generation.endings === endings;
      isDialling = false;
      if (isCounted) generation.dialling--;
      return isCounted;
    };
    /** As long as others are being made for all that wait, none of these has failed. */
    const fail = (error: CodedError): void => {
      if (generation.waiting.size <= generation.dialling) return;
      const [eldest] = generation.waiting;
      (generation.waiting.has(exchange) ? exchange : eldest)?.abort(error);
    };
    exchange.whenAbandoned(() => {
      generation.waiting.delete(exchange);
      settle();
      leaving.abort(new CodedError('connection-reset'));
    });
    generation.waiting.add(exchange);
    generation.dialling++;
    const incoming = new IncomingBytes();
    open(generation, leaving.signal, incoming).then(
      (socket) => {
        const isWanted = settle();
        const upstream = own(generation, socket, incoming);
        if (upstream.isDestroyed) {
          if (isWanted) fail(new CodedError('connection-reset'));
        } else offer(generation, upstream);
      },
      (thrown: unknown) => {
        if (settle()) fail(asConnectionError(thrown));
      },
    );
  };

  /** What is to be upgraded has a connection of its own: of one that was used nobody could say that it is still there. */
  const connectAlone = (generation: Generation, exchange: UpstreamExchange): void => {
    const leaving = new AbortController();
    exchange.whenAbandoned(() => {
      leaving.abort(new CodedError('connection-reset'));
    });
    open(generation, leaving.signal).then(
      (socket) => {
        if (exchange.isOver) socket.destroy();
        else own(generation, socket).begin(exchange);
      },
      (thrown: unknown) => {
        exchange.abort(asConnectionError(thrown));
      },
    );
  };

  return {
    send(credential, message, sink, options) {
      const exchange = new UpstreamExchange(message, sink, options);
      let generation: Generation;
      try {
        generation = generationFor(credential);
      } catch (thrown) {
        exchange.abort(asConnectionError(thrown));
        return exchange;
      }
      if (message.isUpgrade) {
        connectAlone(generation, exchange);
        return exchange;
      }
      const upstream = takeIdle(generation, clock.now());
      if (upstream) upstream.begin(exchange);
      else connect(generation, exchange);
      return exchange;
    },
    close() {
      closed = true;
      endAll();
      current = undefined;
    },
  };
}

function takeIdle({ idle }: Generation, now: number): UpstreamSocket | undefined {
  for (let kept = idle.pop(); kept; kept = idle.pop()) {
    if (!kept.upstream.isDestroyed && kept.until > now) return kept.upstream;
    kept.upstream.destroy();
  }
  return undefined;
}
