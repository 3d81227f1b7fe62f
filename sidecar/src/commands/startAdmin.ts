import { createServer } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Options } from '../config/options.ts';
import { isLoopback } from '../config/optionValues.ts';
import { findDashboardFault } from '../dashboard/findDashboardFault.ts';
import { isHostAllowed } from '../identity/checkHost.ts';
import { createAdminApp, type Readiness } from '../server/adminApp.ts';
import { listen } from '../server/listen.ts';

export interface AdminParts extends Pick<Readiness, 'inventory' | 'isDraining' | 'readMetrics' | 'log'> {
  readonly dispatcher: Dispatcher;
}

/** Whatever Node's own flag for it says. */
const maxHeaderBytes = 16 * 1024;

/** The admin port. @throws CodedError `listen-failed` */
export async function startAdmin(
  { adminListen, dashboardUrl, dashboardHost, baseUrl }: Options,
  { dispatcher, ...parts }: AdminParts,
): Promise<{ readonly port: number; close(): void }> {
  let port = 0;
  const server = createServer(
    { maxHeaderSize: maxHeaderBytes },
    createAdminApp({
      ...parts,
      findDashboardFault: () => findDashboardFault({ dashboardUrl, dashboardHost, baseUrl, dispatcher }),
      isHostAllowed: (request) => !isLoopback(adminListen.host) || isHostAllowed(request, port),
    }),
  );
  port = await listen(server, adminListen);
  return {
    port,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
