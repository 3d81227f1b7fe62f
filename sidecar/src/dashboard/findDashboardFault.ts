import type { Dispatcher } from 'undici';

export interface DashboardQuestion {
  readonly dashboardUrl: URL;
  readonly dashboardHost: string;
  readonly baseUrl: string;
  readonly dispatcher: Dispatcher;
}

const timeoutMs = 2000;

/** What keeps the dashboard from being served, in words for an operator; undefined when it answers (OP-10). */
export async function findDashboardFault({
  dashboardUrl,
  dashboardHost,
  baseUrl,
  dispatcher,
}: DashboardQuestion): Promise<string | undefined> {
  try {
    const { statusCode, body } = await dispatcher.request({
      origin: dashboardUrl.origin,
      path: `${baseUrl}/`,
      method: 'HEAD',
      ...(dashboardHost === '' ? {} : { headers: { host: dashboardHost } }),
      // The connection, the head and the rest together: whoever probes does not wait longer.
      signal: AbortSignal.timeout(timeoutMs),
    });
    await body.dump();
    // Headlamp on a loopback address answers so to every Host but its own (PX-43).
    if (statusCode === 403) return 'the dashboard refuses this Host: --dashboard-host';
    return statusCode < 500 ? undefined : `it answers ${statusCode}`;
  } catch {
    return 'it cannot be reached';
  }
}
