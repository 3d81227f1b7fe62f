import type { Socket } from 'node:net';
import type { Dispatcher } from 'undici';
import type { Credential, CredentialSource } from '../credentials/credential.ts';
import type { AccessRules } from './accessPolicy.ts';
import type { ClusterConnection } from './connection.ts';

/** The connections to one cluster (PX-41). Both ways resolve, check, dial and trust by the same rules. */
export interface ClusterConnections {
  /** A pool for ordinary requests, HTTP/1.1 only; one for each `credential.connectionKey`. */
  dispatcher(credential: Credential | undefined): Dispatcher;
  /**
   * A socket of its own for an upgrade: connected, TLS verified, HTTP/1.1 by ALPN.
   * @throws CodedError of stage `connection`
   */
  dial(credential: Credential | undefined, signal?: AbortSignal): Promise<Socket>;
  /** Ends every socket at once. */
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
