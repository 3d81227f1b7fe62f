import type { EntryParts } from '../clusters/clusterEntry.ts';
import { createClusterConnections } from '../clusters/connections.ts';
import type { Options } from '../config/options.ts';
import type { Credentials } from '../credentials/createCredentials.ts';
import { noCredential } from '../credentials/noCredential.ts';
import type { Clock } from '../foundation/clock.ts';

/** How an access becomes a cluster that can be reached: nothing is connected and no plugin run until it is needed. */
export function createOpenCluster(
  credentials: Pick<Credentials, 'sourceFor'>,
  { connectTimeoutMs }: Pick<Options, 'connectTimeoutMs'>,
  clock: Clock,
): EntryParts['openCluster'] {
  return ({ provider, connection, invocation, rules }, closed) => ({
    provider,
    rules,
    connection,
    closed,
    credentials: rules.mode === 'passthrough' ? noCredential : credentials.sourceFor(invocation),
    connections: createClusterConnections(connection, { connectTimeoutMs, clock }),
  });
}
