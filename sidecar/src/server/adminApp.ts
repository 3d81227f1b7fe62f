import type { IncomingMessage } from 'node:http';
import express, { type ErrorRequestHandler, type Express } from 'express';
import { CodedError } from '../foundation/errors.ts';
import type { Log } from '../foundation/log.ts';
import type { Inventory } from '../inventory/inventory.ts';
import { writeStatus } from '../proxy/status.ts';
import type { Metrics } from '../telemetry/metrics.ts';

export interface Readiness {
  readonly inventory: Pick<Inventory, 'states' | 'isSettled'>;
  readonly isDraining: () => boolean;
  /** Why the dashboard is not served; undefined when it is. */
  readonly findDashboardFault: () => Promise<string | undefined>;
  readonly isHostAllowed: (request: IncomingMessage) => boolean;
  readonly readMetrics: Metrics['read'];
  readonly log: Log;
}

/** `/livez`, `/readyz` and `/metrics`, on a port of their own (OP-10, OP-11). */
export function createAdminApp(readiness: Readiness): Express {
  const { inventory, isDraining, findDashboardFault, isHostAllowed, readMetrics, log } = readiness;
  const app = express();
  app.disable('x-powered-by');
  app.use((request, response, next) => {
    if (isHostAllowed(request)) next();
    else writeStatus(response, new CodedError('host-refused'));
  });
  app.get('/livez', (_request, response) => {
    response.type('text/plain').send('ok\n');
  });
  app.get('/readyz', async (request, response) => {
    const checks = [
      { name: 'not draining', fault: isDraining() ? 'it is draining' : undefined },
      { name: 'dashboard answers', fault: await findDashboardFault() },
      // A root that fails keeps the pod ready: taking the dashboard away would help nobody (FA-01).
      { name: 'each root tried once', fault: inventory.isSettled() ? undefined : 'not yet' },
    ];
    const ready = checks.every(({ fault }) => fault === undefined);
    const verbose = request.query['verbose'] !== undefined || !ready;
    const lines = checks.map(({ name, fault }) =>
      fault === undefined ? `[+] ${name}` : `[-] ${name}: ${fault}`,
    );
    const roots = inventory.states().flatMap(({ root, namespaces }) =>
      namespaces.map(({ namespace, state }) => {
        const reason = state.reason ? `: ${state.reason.message} (${state.reason.code})` : '';
        return `    ${root} ${namespace ?? '*'} ${state.phase}${reason}`;
      }),
    );
    response
      .status(ready ? 200 : 503)
      .type('text/plain')
      .send(verbose ? `${[...lines, ...roots, ready ? 'ready' : 'not ready'].join('\n')}\n` : 'ok\n');
  });
  app.get('/metrics', async (_request, response) => {
    const { contentType, text } = await readMetrics();
    response.writeHead(200, { 'Content-Type': contentType, 'Cache-Control': 'no-store' });
    response.end(text);
  });
  // Express would answer with the stack.
  const onError: ErrorRequestHandler = (thrown: unknown, _request, response, _next) => {
    log.error('a request of the admin port failed', { cause: String(thrown) });
    if (response.headersSent) response.destroy();
    else writeStatus(response, new CodedError('internal-error'));
  };
  app.use(onError);
  return app;
}
