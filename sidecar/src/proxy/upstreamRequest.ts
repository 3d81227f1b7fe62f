import type { IncomingMessage } from 'node:http';
import type { ClusterConnection } from '../clusters/connection.ts';
import { bearerOf } from '../credentials/bearerOf.ts';
import type { Credential } from '../credentials/credential.ts';
import type { ForwardContext } from './context.ts';
import type { KubernetesRequest } from './kubernetesRequest.ts';
import { buildRequestHeaders } from './requestHeaders.ts';

/** What is sent to the cluster; built here for requests and upgrades alike (PX-31). */
export interface UpstreamRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  /** Flat names and values. */
  readonly headers: string[];
  readonly asked: KubernetesRequest;
}

/** @throws CodedError for headers that are refused */
export function buildUpstreamRequest(
  request: Pick<IncomingMessage, 'method' | 'rawHeaders'>,
  { cluster, rest, asked, identityHeaders, withheldHeaders, audit }: ForwardContext,
  credential: Credential,
  upgrade: string | undefined,
): UpstreamRequest {
  const { connection } = cluster;
  return {
    method: request.method ?? 'GET',
    target: joinTarget(connection, rest),
    headers: buildRequestHeaders({
      client: request.rawHeaders,
      connection,
      authorization: bearerOf(credential),
      identity: identityHeaders,
      withheld: withheldHeaders,
      requestId: audit.requestId,
      isProxySubresource: asked.isProxySubresource,
      upgrade,
    }),
    asked,
  };
}

/** The base path in front and the server's query behind, each once; the rest byte for byte (PX-01, PX-03). */
export function joinTarget(
  { basePath, query }: Pick<ClusterConnection, 'basePath' | 'query'>,
  rest: string,
): string {
  const target = rest === '' || rest.startsWith('?') ? `/${rest}` : rest;
  if (query === '') return `${basePath}${target}`;
  const queryAt = target.indexOf('?');
  if (queryAt === -1) return `${basePath}${target}?${query}`;
  const own = target.slice(queryAt + 1);
  return `${basePath}${target.slice(0, queryAt)}?${query}${own === '' ? '' : `&${own}`}`;
}

/** Whether the request has a body, as its framing says. */
export function hasBody(request: IncomingMessage): boolean {
  const length = request.headers['content-length'];
  return request.headers['transfer-encoding'] !== undefined || (length !== undefined && Number(length) > 0);
}
