import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { createProxyMiddleware, type RequestHandler } from 'http-proxy-middleware';
import type { Log } from '../foundation/log.ts';

export interface PassThroughOptions {
  readonly dashboardUrl: URL;
  readonly dashboardHost: string;
  readonly log: Log;
  /** Answers when the dashboard cannot. */
  readonly onUnreachable: (request: IncomingMessage, response: ServerResponse | Socket) => void;
}

/**
 * The dashboard's own traffic, unchanged (PX-43). Never with `ws: true`: the middleware would then subscribe to
 * `upgrade` by itself, past the dispatch that keeps our names from the dashboard (PX-02).
 */
export function createPassThrough({
  dashboardUrl,
  dashboardHost,
  log,
  onUnreachable,
}: PassThroughOptions): RequestHandler {
  return createProxyMiddleware({
    target: dashboardUrl.href,
    ws: false,
    xfwd: false,
    changeOrigin: false,
    ...(dashboardHost === '' ? {} : { headers: { host: dashboardHost } }),
    on: {
      error(error, request, response) {
        log.warn('the dashboard does not answer', { code: (error as NodeJS.ErrnoException).code });
        onUnreachable(request, response);
      },
    },
  });
}
