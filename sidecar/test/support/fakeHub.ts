import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Root } from '../../src/inventory/root.ts';

export interface Watch {
  readonly url: URL;
  send(type: string, object: unknown): void;
  /** Bytes as they are. */
  write(text: string): void;
  end(): void;
  /** Breaks the connection. */
  reset(): void;
}

/** A hub whose faults a test decides: it holds profiles, lists them in pages and keeps its watches open. */
export interface FakeHub {
  readonly root: Root;
  readonly requests: readonly { readonly url: URL; readonly authorization: string | undefined }[];
  readonly watches: readonly Watch[];
  items: unknown[];
  resourceVersion: string;
  /** Answers instead of the ordinary hub when it returns true. */
  intercept: ((request: IncomingMessage, response: ServerResponse, url: URL) => boolean) | undefined;
  close(): Promise<void>;
}

export function profileObject(
  name: string,
  more: { namespace?: string; uid?: string; resourceVersion?: string } = {},
  rest: object = {},
): object {
  const { namespace = 'default', uid = `uid-${name}`, resourceVersion = '1' } = more;
  return {
    apiVersion: 'multicluster.x-k8s.io/v1alpha1',
    kind: 'ClusterProfile',
    metadata: { name, namespace, uid, resourceVersion },
    spec: { clusterManager: { name: 'manager' } },
    ...rest,
  };
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

export async function startFakeHub(rootName = 'store/hub'): Promise<FakeHub> {
  const requests: { url: URL; authorization: string | undefined }[] = [];
  const watches: Watch[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://hub');
    requests.push({ url, authorization: request.headers.authorization });
    if (hub.intercept?.(request, response, url)) return;
    if (url.pathname === '/apis/multicluster.x-k8s.io') {
      const versions = [{ groupVersion: 'multicluster.x-k8s.io/v1alpha1', version: 'v1alpha1' }];
      sendJson(response, 200, { kind: 'APIGroup', versions, preferredVersion: versions[0] });
    } else if (url.searchParams.get('watch') === 'true') {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.flushHeaders();
      watches.push({
        url,
        send: (type, object) => response.write(`${JSON.stringify({ type, object })}\n`),
        write: (text) => response.write(text),
        end: () => response.end(),
        reset: () => request.socket.resetAndDestroy(),
      });
    } else {
      sendPage(url, response);
    }
  });

  function sendPage(url: URL, response: ServerResponse): void {
    const limit = Number(url.searchParams.get('limit') ?? Number.POSITIVE_INFINITY);
    const offset = Number(url.searchParams.get('continue') ?? 0);
    const end = offset + limit;
    const more = end < hub.items.length ? { continue: String(end) } : {};
    sendJson(response, 200, {
      kind: 'ClusterProfileList',
      metadata: { resourceVersion: hub.resourceVersion, ...more },
      items: hub.items.slice(offset, end),
    });
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const hub: FakeHub = {
    root: {
      name: rootName,
      defaultNamespace: 'default',
      server: `http://127.0.0.1:${String(port)}`,
      insecureSkipVerify: false,
      user: { token: 'hub-token' },
    },
    requests,
    watches,
    items: [],
    resourceVersion: '100',
    intercept: undefined,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
  return hub;
}
