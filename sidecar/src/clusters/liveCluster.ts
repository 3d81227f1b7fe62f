import type { Credential, CredentialSource } from '../credentials/credential.ts';
import type { AccessRules } from './accessPolicy.ts';
import type { ClusterConnection } from './connection.ts';
import type { Exchange, ExchangeLimits, ExchangeSink } from './exchange.ts';
import type { UpstreamMessage } from './upstreamMessage.ts';

/** The connections to one cluster (PX-41). All resolve, check, dial and trust by the same rules, over HTTP/1.1 only. */
export interface ClusterConnections {
  /**
   * Sends a request over a kept connection or a new one, an upgrade over one of its own; one kind for each
   * `credential.connectionKey`. What becomes of it the sink is told; nothing is thrown.
   */
  send(
    credential: Credential | undefined,
    message: UpstreamMessage,
    sink: ExchangeSink,
    limits: ExchangeLimits,
  ): Exchange;
  /** Ends every connection at once. */
  close(): void;
}

/** A cluster that can be reached: one for each state of its access; replaced, never changed (AC-13, DI-33). */
export interface LiveCluster {
  readonly connection: ClusterConnection;
  readonly provider: string;
  /** As whom and what, by the access policy. */
  readonly rules: AccessRules;
  readonly credentials: CredentialSource;
  readonly connections: ClusterConnections;
  /** Aborted with a CodedError when the access is withdrawn or the profile goes: what is open ends. */
  readonly closed: AbortSignal;
}
