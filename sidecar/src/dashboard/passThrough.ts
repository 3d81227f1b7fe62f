import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { createProxyMiddleware, type RequestHandler } from 'http-proxy-middleware';
import { CodedError } from '../foundation/errors.ts';
import type { Log } from '../foundation/log.ts';
import { dropSessionCookies } from '../identity/sessionCookie.ts';
import { writeStatus, writeStatusToSocket } from '../proxy/status.ts';

export interface PassThroughOptions {
  readonly dashboardUrl: URL;
  readonly dashboardHost: string;
  readonly log: Log;
  /** Headers of a request that are not for the dashboard. */
  readonly hiddenHeaders?: readonly string[];
  /** By which scheme the browser came; the dashboard makes its cookies and addresses by it. */
  readonly schemeOf: (request: IncomingMessage) => string;
  /** What to add to an answer that carries these cookies (ID-04). */
  readonly copyCookies: (setCookies: readonly string[], request: IncomingMessage) => readonly string[];
}

/**
 * The dashboard's own traffic, unchanged (PX-43). Never with `ws: true`: the middleware would then subscribe to
 * `upgrade` by itself, past the dispatch that keeps our names from the dashboard (PX-02).
 */
export function createPassThrough({
  dashboardUrl,
  dashboardHost,
  log,
  hiddenHeaders = [],
  schemeOf,
  copyCookies,
}: PassThroughOptions): RequestHandler {
  const prepare = (outgoing: ClientRequest, request: IncomingMessage): void => {
    hideSession(outgoing, request);
    for (const name of hiddenHeaders) outgoing.removeHeader(name);
    if (schemeOf(request) === 'https') outgoing.setHeader('x-forwarded-proto', 'https');
  };
  return createProxyMiddleware({
    target: dashboardUrl.href,
    ws: false,
    xfwd: false,
    changeOrigin: false,
    ...(dashboardHost === '' ? {} : { headers: { host: dashboardHost } }),
    on: {
      proxyReq: prepare,
      proxyReqWs: prepare,
      proxyRes(answer, request) {
        const setCookies = answer.headers['set-cookie'];
        if (setCookies) answer.headers['set-cookie'] = [...setCookies, ...copyCookies(setCookies, request)];
      },
      error(error, _request, response) {
        log.warn('the dashboard does not answer', { code: (error as NodeJS.ErrnoException).code });
        answerUnreachable(response);
      },
    },
  });
}

function answerUnreachable(response: ServerResponse | Socket): void {
  const error = new CodedError('dashboard-unreachable');
  if (!('writeHead' in response)) writeStatusToSocket(response, error);
  else if (response.headersSent) response.destroy();
  else writeStatus(response, error);
}

/** The sidecar's own session is nobody's business behind it (ID-04). */
function hideSession(outgoing: ClientRequest, request: IncomingMessage): void {
  const { cookie } = request.headers;
  if (cookie === undefined) return;
  const kept = dropSessionCookies(cookie);
  if (kept === undefined) outgoing.removeHeader('cookie');
  else outgoing.setHeader('cookie', kept);
}
