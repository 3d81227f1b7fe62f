import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { CodedError } from '../foundation/errors.ts';
import { Agent, ProxyAgent } from '../foundation/undici.ts';
import type { HubCredential } from './hubCredential.ts';
import type { Root } from './root.ts';

export interface HubResponse {
  readonly status: number;
  readonly body: Readable;
}

export interface HubRequestOptions {
  readonly signal: AbortSignal;
  readonly headersTimeoutMs?: number;
}

/**
 * Requests to one hub, as the sidecar itself; a 401 is asked again once with a credential read anew (DI-15). The body
 * is the caller's to read or destroy.
 * @throws CodedError `hub-unreachable`, `kubeconfig-invalid` for a root that is written wrongly, or of stage `credential` when the root's own plugin fails
 */
export interface HubClient {
  get(path: string, options: HubRequestOptions): Promise<HubResponse>;
  post(path: string, object: object, options: HubRequestOptions): Promise<HubResponse>;
  /** The same as whoever holds this token, and by nothing else. */
  postAs(token: string, path: string, object: object, options: HubRequestOptions): Promise<HubResponse>;
  /** Ends what is open, the credential too. */
  close(): void;
}

interface HubRequest extends HubRequestOptions {
  readonly path: string;
  /** Makes it a POST. */
  readonly object?: object;
}

const connectTimeoutMs = 10_000;
const defaultHeadersTimeoutMs = 30_000;

export function createHubClient(root: Root, credential: HubCredential): HubClient {
  let dispatcher: { readonly key: string; readonly agent: Dispatcher } | undefined;
  /** Without a client certificate, which would speak before any token. */
  let bareDispatcher: Dispatcher | undefined;
  const server = URL.parse(root.server);

  const dispatcherFor = (certificate: { certificate: string; key: string } | undefined): Dispatcher => {
    if (certificate === undefined) return (bareDispatcher ??= buildDispatcher(root, undefined));
    const key = certificate.certificate;
    if (dispatcher?.key === key) return dispatcher.agent;
    const outdated = dispatcher?.agent;
    dispatcher = { key, agent: buildDispatcher(root, certificate) };
    if (outdated) void outdated.close().catch(() => undefined);
    return dispatcher.agent;
  };

  const send = async (
    agent: Dispatcher,
    authorization: string | undefined,
    { path, object, signal, headersTimeoutMs = defaultHeadersTimeoutMs }: HubRequest,
  ): Promise<HubResponse> => {
    if (server === null)
      throw new CodedError('kubeconfig-invalid', `the server of ${root.name} is not a URL`);
    const response = await agent.request({
      origin: server.origin,
      path: `${server.pathname.replace(/\/+$/, '')}${path}`,
      method: object === undefined ? 'GET' : 'POST',
      headers: {
        accept: 'application/json',
        ...(object === undefined ? {} : { 'content-type': 'application/json' }),
        ...(authorization === undefined ? {} : { authorization }),
      },
      body: object === undefined ? null : JSON.stringify(object),
      signal,
      headersTimeout: headersTimeoutMs,
      bodyTimeout: 0,
    });
    return { status: response.statusCode, body: response.body };
  };

  const asSidecar = async (request: HubRequest): Promise<HubResponse> => {
    const ask = async (): Promise<HubResponse> => {
      const { authorization, clientCertificate } = await credential.get();
      return send(dispatcherFor(clientCertificate), authorization, request);
    };
    const first = await ask();
    if (first.status !== 401) return first;
    first.body.resume();
    credential.renew();
    return ask();
  };

  const coded = async (response: Promise<HubResponse>): Promise<HubResponse> => {
    try {
      return await response;
    } catch (cause) {
      if (cause instanceof CodedError) throw cause;
      throw new CodedError('hub-unreachable', undefined, { cause });
    }
  };

  return {
    get: (path, options) => coded(asSidecar({ path, ...options })),
    post: (path, object, options) => coded(asSidecar({ path, object, ...options })),
    postAs: (token, path, object, options) =>
      coded(send(dispatcherFor(undefined), `Bearer ${token}`, { path, object, ...options })),
    close() {
      for (const each of [dispatcher?.agent, bareDispatcher]) void each?.destroy().catch(() => undefined);
      credential.close();
    },
  };
}

function buildDispatcher(
  root: Root,
  certificate: { certificate: string; key: string } | undefined,
): Dispatcher {
  const tls = {
    ...(root.ca === undefined ? {} : { ca: root.ca }),
    ...(root.serverName === undefined ? {} : { servername: root.serverName }),
    ...(certificate === undefined ? {} : { cert: certificate.certificate, key: certificate.key }),
    rejectUnauthorized: !root.insecureSkipVerify,
    allowPartialTrustChain: true,
  };
  // A list, a watch for each namespace and the reviews share the pool; none of them may wait for another.
  const pool = { allowH2: false, keepAliveTimeout: 30_000, pipelining: 1 };
  return root.proxyUrl === undefined
    ? new Agent({
        ...pool,
        connect: { ...tls, timeout: connectTimeoutMs, keepAlive: true, keepAliveInitialDelay: 15_000 },
      })
    : new ProxyAgent({ ...pool, uri: root.proxyUrl, requestTls: tls });
}
