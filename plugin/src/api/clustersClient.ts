import type { ClustersResponse } from '../model/inventoryTypes.ts';
import type { ListFailure } from '../model/listFailure.ts';

export type ListResult =
  | { readonly ok: true; readonly response: ClustersResponse }
  | { readonly ok: false; readonly failure: ListFailure };

/** As Headlamp's `ApiProxy.request`: adds the base URL, and rejects with an error that has a `status`. */
export type SendRequest = (
  path: string,
  params: { readonly isJSON?: false; readonly signal?: AbortSignal },
  autoLogoutOnAuthError: boolean,
  useCluster: boolean,
) => Promise<unknown>;

export interface ClustersClient {
  /** Never rejects. An unchanged answer is the same object again, so that nothing is drawn anew for it. */
  list: () => Promise<ListResult>;
}

const LIST_PATH = '/cluster-inventory/v1/clusters';
const TIMEOUT_MS = 15_000;

export function createClustersClient(sendRequest: SendRequest, timeoutMs = TIMEOUT_MS): ClustersClient {
  let last: { readonly text: string; readonly result: ListResult } | undefined;
  return {
    async list() {
      let answer: unknown;
      try {
        // Not Headlamp's `timeout`, which ends with the headers: a body that stalls would be waited for forever.
        const signal = AbortSignal.timeout(timeoutMs);
        answer = await sendRequest(LIST_PATH, { isJSON: false, signal }, false, false);
      } catch (error) {
        return { ok: false, failure: classifyError(error) };
      }
      if (!(answer instanceof Response)) return { ok: false, failure: 'failed' };
      // A Headlamp without the sidecar in front answers an unknown path with its page and status 200.
      if (!isJson(answer)) return { ok: false, failure: 'sidecar-missing' };
      let text: string;
      try {
        text = await answer.text();
      } catch {
        return { ok: false, failure: 'unreachable' };
      }
      if (last?.text !== text) last = { text, result: parseList(text) };
      return last.result;
    },
  };
}

function parseList(text: string): ListResult {
  try {
    const value: unknown = JSON.parse(text);
    return isClustersResponse(value) ? { ok: true, response: value } : { ok: false, failure: 'failed' };
  } catch {
    return { ok: false, failure: 'failed' };
  }
}

/** The version in the answer vouches for the rest: both ends are released together. */
function isClustersResponse(value: unknown): value is ClustersResponse {
  if (typeof value !== 'object' || value === null) return false;
  return (
    'apiVersion' in value &&
    value.apiVersion === 'cluster-inventory/v1' &&
    'version' in value &&
    typeof value.version === 'string' &&
    'clusters' in value &&
    Array.isArray(value.clusters) &&
    'roots' in value &&
    Array.isArray(value.roots)
  );
}

function isJson(response: Response): boolean {
  return /^application\/json\b/i.test(response.headers.get('Content-Type') ?? '');
}

function classifyError(error: unknown): ListFailure {
  const status = typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined;
  switch (status) {
    case 401:
      return 'signed-out';
    case 403:
      return 'forbidden';
    case 404:
      return 'sidecar-missing';
    // Headlamp's request reports a failed connection, and one that took too long, as 502 or 408.
    case 408:
    case 502:
    case 503:
    case 504:
      return 'unreachable';
    default:
      return 'failed';
  }
}
