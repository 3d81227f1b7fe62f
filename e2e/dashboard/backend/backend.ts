import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { writeJson, writeText } from './answers.ts';
import { parseGoTarget } from './goPath.ts';
import { createHostCheck } from './hostCheck.ts';
import { createHubProxy, type Hub } from './hubProxy.ts';
import { listPlugins } from './pluginFolder.ts';
import { createSessionRefresh, type RefreshToken } from './sessionRefresh.ts';
import { resolveRoute, type Route } from './route.ts';
import { buildSessionCookies, readSessionToken } from './sessionCookie.ts';
import { serveFile, serveIndex } from './staticFiles.ts';
import { describeUser } from './userInfo.ts';

export interface BackendOptions {
  hub: Hub;
  clusterName: string;
  /** Empty, or like `/headlamp`. */
  baseUrl: string;
  /** Folder with the built UI. */
  uiDir: string;
  pluginDir: string | undefined;
  /** Address that the server will listen on: decides whether the Host header is checked. */
  host: string;
  nowMs: () => number;
  /** With it the own cluster is one of OIDC: what asks the issuer for the next token. */
  refresh?: RefreshToken | undefined;
}

/** As much of Headlamp's backend as its UI asks for. The server is not listening yet; close it with `close`. */
export function createBackend(options: BackendOptions): { server: Server; close: () => Promise<void> } {
  const { baseUrl, clusterName } = options;
  const proxy = createHubProxy(options.hub);
  const refreshSession = createSessionRefresh(options);
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  server.on('upgrade', upgrade);

  /** A route, or the status and text that refuse the request before it has one. */
  function dispatch(request: IncomingMessage): Route | { kind: 'refused'; status: number; text: string } {
    const target = parseGoTarget(request.url ?? '');
    if (target === undefined) return { kind: 'refused', status: 400, text: 'Bad Request' };
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    if (!createHostCheck(options.host, port)(target.authority ?? request.headers.host)) {
      return { kind: 'refused', status: 403, text: 'invalid Host header' };
    }
    return resolveRoute(request.method ?? '', target, baseUrl);
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const route = dispatch(request);
    const renewed = 'cluster' in route ? await refreshSession(request, route.cluster) : [];
    if (renewed.length > 0) response.setHeader('Set-Cookie', renewed);
    switch (route.kind) {
      case 'refused':
        writeText(response, route.status, route.text);
        return;
      case 'redirect':
        response.writeHead(301, { Location: route.location }).end();
        return;
      case 'outside':
        writeText(response, 404, '404 page not found');
        return;
      case 'config':
        writeJson(response, 200, buildConfig(options));
        return;
      case 'pluginList':
        writeJson(response, 200, await listPlugins(options.pluginDir));
        return;
      case 'pluginFile': {
        const folder = options.pluginDir;
        const headers = { 'Cache-Control': 'no-cache' };
        const isServed = folder !== undefined && (await serveFile(response, folder, route.path, headers));
        if (!isServed) writeText(response, 404, '404 page not found');
        return;
      }
      case 'setToken':
        return setToken(request, response, route.cluster);
      case 'me': {
        const { status, body } = describeUser(tokenOf(request, route.cluster), options.nowMs());
        writeJson(response, status, body);
        return;
      }
      case 'cluster':
        if (route.cluster !== clusterName) {
          writeText(response, 404, 'key not found');
          return;
        }
        {
          proxy.forward(request, response, route.apiTarget, readSession(request, route.cluster));
          return;
        }
      case 'static':
        if (await serveFile(response, options.uiDir, route.path)) return;
        return serveIndex(response, options.uiDir, baseUrl);
    }
  }

  function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const route = dispatch(request);
    if (route.kind === 'cluster' && route.cluster === clusterName) {
      return proxy.tunnel(request, socket, head, route.apiTarget, readSession(request, route.cluster));
    }
    const status = route.kind === 'refused' ? `${route.status} ${route.text}` : '404 Not Found';
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  }

  async function setToken(
    request: IncomingMessage,
    response: ServerResponse,
    cluster: string,
  ): Promise<void> {
    const token = await readToken(request);
    if (token === undefined) {
      writeText(response, 400, 'Invalid JSON');
      return;
    }
    response.appendHeader('Set-Cookie', buildSessionCookies(request, cluster, token, baseUrl));
    response.writeHead(200).end();
  }

  return {
    server,
    close: () =>
      new Promise((resolve) => {
        proxy.close();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function buildConfig({ hub, clusterName }: BackendOptions) {
  const meta_data = {
    source: 'kubeconfig',
    namespace: '',
    extensions: null,
    origin: { kubeconfig: 'hub.kubeconfig' },
    originalName: clusterName,
    clusterID: `hub.kubeconfig+${clusterName}`,
  };
  return {
    clusters: [{ name: clusterName, server: hub.url, auth_type: '', meta_data }],
    isDynamicClusterEnabled: false,
    allowKubeconfigChanges: false,
  };
}

function readSession(request: IncomingMessage, cluster: string): string | undefined {
  return readSessionToken(request.headers.cookie, cluster);
}

function tokenOf(request: IncomingMessage, cluster: string): string | undefined {
  const bearer = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
  return bearer ?? readSession(request, cluster);
}

async function readToken(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  try {
    const body: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    if (typeof body !== 'object' || body === null) return undefined;
    if (!('token' in body)) return '';
    return typeof body.token === 'string' ? body.token : undefined;
  } catch {
    return undefined;
  }
}
