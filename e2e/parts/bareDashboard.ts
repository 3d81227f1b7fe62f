import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A dashboard as far as a sidecar needs one to be ready: `/config` with no clusters of its own. */
export async function startBareDashboard(): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ clusters: [], isDynamicClusterEnabled: false }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
