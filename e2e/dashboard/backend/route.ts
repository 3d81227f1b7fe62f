import { cleanGoPath, encodeGoPath, fromByteString, type GoTarget } from './goPath.ts';

export type Route =
  | { kind: 'redirect'; location: string }
  | { kind: 'outside' }
  | { kind: 'config' }
  | { kind: 'pluginList' }
  | { kind: 'pluginFile'; path: string }
  | { kind: 'setToken'; cluster: string }
  | { kind: 'me'; cluster: string }
  /** `apiTarget`: path and query for the API server, beginning with a slash. */
  | { kind: 'cluster'; cluster: string; apiTarget: string }
  | { kind: 'static'; path: string };

/** Headlamp's routes in Headlamp's order. `baseUrl` is empty or like `/headlamp`. */
export function resolveRoute(method: string, target: GoTarget, baseUrl: string): Route {
  const cleaned = cleanGoPath(target.path);
  if (cleaned !== target.path) {
    return { kind: 'redirect', location: encodeGoPath(cleaned) + target.rawQuery };
  }
  if (!cleaned.startsWith(baseUrl)) return { kind: 'outside' };
  const path = cleaned.slice(baseUrl.length);

  if (path === '/config' && method === 'GET') return { kind: 'config' };
  if (path === '/plugins' && method === 'GET') return { kind: 'pluginList' };
  if (path.startsWith('/plugins/')) {
    return { kind: 'pluginFile', path: fromByteString(path.slice('/plugins/'.length)) };
  }
  const inCluster = /^\/clusters\/([^/]+)\/([^]*)$/.exec(path);
  if (inCluster) {
    const cluster = fromByteString(inCluster[1] ?? '');
    const api = inCluster[2] ?? '';
    if (api === 'set-token' && method === 'POST') return { kind: 'setToken', cluster };
    if (api === 'me' && method === 'GET') return { kind: 'me', cluster };
    return { kind: 'cluster', cluster, apiTarget: `/${encodeGoPath(api)}${target.rawQuery}` };
  }
  return { kind: 'static', path: fromByteString(path) };
}
