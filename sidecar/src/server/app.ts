import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import { asCodedError } from '../foundation/errors.ts';
import type { Log } from '../foundation/log.ts';
import { writeStatus } from '../proxy/status.ts';
import { apiPath } from '../proxy/target.ts';

export interface AppParts {
  readonly baseUrl: string;
  readonly api: RequestHandler;
  readonly config: RequestHandler;
  readonly dashboard: RequestHandler;
  readonly log: Log;
}

/** Everything but the clusters: our API, the merged `/config`, and the dashboard. */
export function createApp({ baseUrl, api, config, dashboard, log }: AppParts): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.enable('case sensitive routing');
  app.enable('strict routing');
  app.use(`${baseUrl}${apiPath}`, api);
  app.get(`${baseUrl}/config`, config);
  app.use(dashboard);
  const onError: ErrorRequestHandler = (thrown: unknown, _request, response, _next) => {
    const error = asCodedError(thrown);
    if (error.code === 'internal-error') log.error('a request failed', { cause: String(error.cause) });
    if (response.headersSent) response.destroy();
    else writeStatus(response, error);
  };
  app.use(onError);
  return app;
}
