import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readRequestBody } from '../../src/proxy/readRequestBody.ts';

export interface DashboardRequest {
  /** Method and target. */
  readonly line: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Headlamp's backend as far as its hub's session goes, under the name `main`. */
export interface FakeDashboard {
  readonly url: URL;
  readonly requests: readonly DashboardRequest[];
  /** Set with every answer to a request of its own cluster, as a renewed OIDC token is. */
  renewedToken: string | undefined;
  /** Its answers about its own cluster wait for this. */
  held: Promise<void>;
  /** Set with every answer to `/config`. */
  configCookies: readonly string[];
  close(): Promise<void>;
}

export const ownClusters = [{ name: 'main', auth_type: 'oidc' }];

/** As Headlamp sets and clears them. */
function cookiesOf(token: string): string[] {
  const attributes = 'Path=/clusters/main; HttpOnly; SameSite=Strict';
  if (token === '') return [`headlamp-auth-main.0=; ${attributes}; Max-Age=0`];
  return (token.match(/.{1,3800}/g) ?? []).map(
    (chunk, index) => `headlamp-auth-main.${index}=${chunk}; ${attributes}; Max-Age=86400`,
  );
}

export async function startFakeDashboard(): Promise<FakeDashboard> {
  const requests: DashboardRequest[] = [];
  const server = createServer((request, response) => {
    void readRequestBody(request, 1_000_000).then(async (bytes) => {
      const { method = '', url = '', headers } = request;
      const body = bytes.toString();
      requests.push({ line: `${method} ${url}`, headers, body });
      if (url === '/config') {
        response.setHeader('Set-Cookie', [...dashboard.configCookies]);
        response.setHeader('Content-Type', 'application/json');
        response.end(JSON.stringify({ clusters: ownClusters, isDynamicClusterEnabled: false }));
        return;
      }
      await dashboard.held;
      if (method === 'POST' && url === '/clusters/main/set-token') {
        const { token } = JSON.parse(body) as { token: string };
        response.setHeader('Set-Cookie', cookiesOf(token));
      } else if (url.startsWith('/clusters/main/') && dashboard.renewedToken !== undefined) {
        response.setHeader('Set-Cookie', cookiesOf(dashboard.renewedToken));
      }
      response.end('dashboard');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const dashboard: FakeDashboard = {
    url: new URL(`http://127.0.0.1:${port}`),
    requests,
    renewedToken: undefined,
    held: Promise.resolve(),
    configCookies: [],
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
  return dashboard;
}
