import { foundationPatches } from './patches/foundation.ts';
import { configPatches } from './patches/config.ts';
import { telemetryPatches } from './patches/telemetry.ts';
import { inventoryPatches } from './patches/inventory.ts';
import { credentialsPatches } from './patches/credentials.ts';
import { credentialRunsPatches } from './patches/credentialRuns.ts';
import { clusterProxiesPatches } from './patches/clusterProxies.ts';
import { clustersPatches } from './patches/clusters.ts';
import { clusterConnectionsPatches } from './patches/clusterConnections.ts';
import { clusterExchangePatches } from './patches/clusterExchange.ts';
import { clusterPolicyPatches } from './patches/clusterPolicy.ts';
import { identityPatches } from './patches/identity.ts';
import { identityGatePatches } from './patches/identityGate.ts';
import { identitySessionsPatches } from './patches/identitySessions.ts';
import { proxyRequestsPatches } from './patches/proxyRequests.ts';
import { proxyRightsPatches } from './patches/proxyRights.ts';
import { proxyStreamsPatches } from './patches/proxyStreams.ts';
import { dashboardPatches } from './patches/dashboard.ts';
import { apiPatches } from './patches/api.ts';
import { apiStreamPatches } from './patches/apiStream.ts';
import { serverPatches } from './patches/server.ts';
import { serverListenerPatches } from './patches/serverListener.ts';
import { commandsPatches } from './patches/commands.ts';
import { memoryPatches } from './patches/memory.ts';
import { pluginPatches } from './patches/plugin.ts';
import type { Patch } from './patch.ts';

/** Folder by folder, in the order in which these build on each other. */
export const patches: readonly Patch[] = [
  ...foundationPatches,
  ...configPatches,
  ...telemetryPatches,
  ...inventoryPatches,
  ...credentialsPatches,
  ...credentialRunsPatches,
  ...clustersPatches,
  ...clusterConnectionsPatches,
  ...clusterExchangePatches,
  ...clusterPolicyPatches,
  ...clusterProxiesPatches,
  ...identityPatches,
  ...identityGatePatches,
  ...identitySessionsPatches,
  ...proxyRequestsPatches,
  ...proxyRightsPatches,
  ...proxyStreamsPatches,
  ...dashboardPatches,
  ...apiPatches,
  ...apiStreamPatches,
  ...serverPatches,
  ...serverListenerPatches,
  ...commandsPatches,
  ...memoryPatches,
  ...pluginPatches,
];
