import type { Readable } from 'node:stream';
import { Agent, type Dispatcher, ProxyAgent } from 'undici';
import { CodedError } from '../foundation/errors.ts';
import type { HubCredential } from './hubCredential.ts';
import type { Root } from './root.ts';

export interface HubResponse {
  readonly status: number;
  readonly body: Readable;
}

/** Requests to one hub, as the sidecar itself. */
export interface HubClient {
  /**
   * A GET; a 401 is asked again once with a credential read anew (DI-15). The body is the caller's to read or destroy.
   * @throws CodedError `hub-unreachable`, or of stage `credential` when the root's own plugin fails
   */
  get(
    path: string,
    options: { readonly signal: AbortSignal; readonly headersTimeoutMs?: number },
  ): Promise<HubResponse>;
  close(): void;
}

const connectTimeoutMs = 10_000;
const defaultHeadersTimeoutMs = 30_000;

export function createHubClient(root: Root, credential: HubCredential): HubClient {
  let dispatcher: { readonly key: string; readonly agent: Dispatcher } | undefined;

  const dispatcherFor = (certificate: { certificate: string; key: string } | undefined): Dispatcher => {
    const key = certificate?.certificate ?? '';
    if (dispatcher?.key === key) return dispatcher.agent;
    const outdated = dispatcher?.agent;
    dispatcher = { key, agent: buildDispatcher(root, certificate) };
    if (outdated) void outdated.close().catch(() => undefined);
    return dispatcher.agent;
  };

  const ask = async (path: string, signal: AbortSignal, headersTimeoutMs: number): Promise<HubResponse> => {
    const { authorization, clientCertificate } = await credential.get();
    const response = await dispatcherFor(clientCertificate).request({
      origin: new URL(root.server).origin,
      path: `${new URL(root.server).pathname.replace(/\/+$/, '')}${path}`,
      method: 'GET',
      headers: { accept: 'application/json', ...(authorization === undefined ? {} : { authorization }) },
      signal,
      headersTimeout: headersTimeoutMs,
      bodyTimeout: 0,
    });
    return { status: response.statusCode, body: response.body };
  };

  return {
    async get(path, { signal, headersTimeoutMs = defaultHeadersTimeoutMs }) {
      try {
        const first = await ask(path, signal, headersTimeoutMs);
        if (first.status !== 401) return first;
        first.body.resume();
        credential.renew();
        return await ask(path, signal, headersTimeoutMs);
      } catch (cause) {
        if (cause instanceof CodedError) throw cause;
        throw new CodedError('hub-unreachable', undefined, { cause });
      }
    },
    close() {
      void dispatcher?.agent.destroy().catch(() => undefined);
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
