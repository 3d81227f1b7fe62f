import type { SendRequest } from './clustersClient.ts';

/** What Headlamp keeps of `/config`, as far as it is touched here. */
interface HeadlampStore {
  readonly getState: () => unknown;
  readonly dispatch: (action: { readonly type: string; readonly payload: unknown }) => unknown;
}

const SET_CONFIG = 'config/setConfig';

/**
 * Asks for `/config` now and hands it to Headlamp's store as Headlamp does at its next look, 10 s later at most. A
 * Headlamp that keeps its clusters otherwise is left to itself. Never rejects: its next look is near.
 */
export async function refreshConfig(sendRequest: SendRequest, store: HeadlampStore): Promise<void> {
  if (!isRecord(fieldOf(fieldOf(store.getState(), 'config'), 'clusters'))) return;
  let answer: unknown;
  try {
    answer = await sendRequest('/config', {}, false, false);
  } catch {
    return;
  }
  if (!isRecord(answer) || !Array.isArray(answer['clusters'])) return;
  const clusters = Object.fromEntries(
    answer['clusters'].filter(isRecord).map((cluster) => [nameOf(cluster), cluster]),
  );
  store.dispatch({ type: SET_CONFIG, payload: { ...answer, clusters } });
}

/** A cluster that was renamed in Headlamp is known by that name. */
function nameOf(cluster: Record<string, unknown>): string {
  const info = fieldOf(fieldOf(cluster['meta_data'], 'extensions'), 'headlamp_info');
  const customName = fieldOf(info, 'customName');
  return typeof customName === 'string' && customName !== '' ? customName : String(cluster['name']);
}

function fieldOf(value: unknown, key: string): unknown {
  return isRecord(value) ? value[key] : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
