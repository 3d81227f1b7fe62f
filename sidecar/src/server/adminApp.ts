import express, { type Express } from 'express';
import type { Inventory } from '../inventory/inventory.ts';

export interface Readiness {
  readonly inventory: Inventory;
  readonly isDraining: () => boolean;
  readonly isDashboardAnswering: () => Promise<boolean>;
}

/** `/livez` and `/readyz`, on a port of their own (OP-10). */
export function createAdminApp({ inventory, isDraining, isDashboardAnswering }: Readiness): Express {
  const app = express();
  app.disable('x-powered-by');
  app.get('/livez', (_request, response) => {
    response.type('text/plain').send('ok\n');
  });
  app.get('/readyz', async (request, response) => {
    const checks = [
      { name: 'not draining', ok: !isDraining() },
      { name: 'dashboard answers', ok: await isDashboardAnswering() },
      // A root that fails keeps the pod ready: taking the dashboard away would help nobody (FA-01).
      { name: 'each root tried once', ok: inventory.isSettled() },
    ];
    const ready = checks.every(({ ok }) => ok);
    const verbose = request.query['verbose'] !== undefined || !ready;
    const lines = checks.map(({ name, ok }) => `[${ok ? '+' : '-'}] ${name}`);
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
  return app;
}
