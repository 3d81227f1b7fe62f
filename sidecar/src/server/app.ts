import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import { asCodedError } from '../foundation/errors.ts';
import type { Log } from '../foundation/log.ts';
import { writeStatus } from '../proxy/status.ts';
import { apiPath } from '../proxy/target.ts';
import type { RequestMetrics } from '../telemetry/requestMetrics.ts';

export interface AppParts {
  readonly baseUrl: string;
  readonly api: RequestHandler;
  readonly config: RequestHandler;
  readonly dashboard: RequestHandler;
  readonly metrics?: Pick<RequestMetrics, 'passed' | 'refused'> | undefined;
  readonly log: Log;
}

/** Everything but the clusters: our API, the merged `/config`, and the dashboard. */
export function createApp({ baseUrl, api, config, dashboard, metrics, log }: AppParts): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.enable('case sensitive routing');
  app.enable('strict routing');
  const countAs =
    (requestClass: Parameters<RequestMetrics['passed']>[0]): RequestHandler =>
    (_request, response, next) => {
      response.once('close', () => {
        metrics?.passed(requestClass, { status: response.statusCode, isGone: !response.writableFinished });
      });
      next();
    };
  app.use(`${baseUrl}${apiPath}`, countAs('api'), api);
  app.get(`${baseUrl}/config`, countAs('config'), config);
  app.use(countAs('dashboard'), dashboard);
  const onError: ErrorRequestHandler = (thrown: unknown, _request, response, _next) => {
    const error = asCodedError(thrown);
    metrics?.refused(error.code);
    if (error.code === 'internal-error') log.error('a request failed', { cause: String(error.cause) });
    if (response.headersSent) response.destroy();
    else writeStatus(response, error);
  };
  app.use(onError);
  return app;
}
