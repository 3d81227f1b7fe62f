import { type Clock, sleep } from '../foundation/clock.ts';
import { asCodedError, type CodedError, errorDefinition } from '../foundation/errors.ts';
import type { ClusterAnswer } from './askCluster.ts';
import { type AskCluster, drainAnnotation, type LeavingPod, readNodeState } from './nodeState.ts';

export interface Drain {
  readonly ask: AskCluster;
  readonly nodeName: string;
  /** When to give up, milliseconds. */
  readonly until: number;
}

/** How a drain ended. */
export type DrainEnd =
  | 'drained'
  /** Somebody made the node schedulable: the way to stop a drain. */
  | 'uncordoned'
  /** The cluster lets nobody evict what is left, or no longer tells. */
  | 'refused'
  | 'out-of-time'
  | 'stopped';

/** `kubectl drain` waits as long where a PodDisruptionBudget is in the way. */
const roundMs = 5_000;
const roundWhileEndingMs = 1_000;

/** No new Pods for the node, and a word on it that its Pods are leaving; the cluster's answer. */
export function cordon({ ask, nodeName, until }: Drain): Promise<ClusterAnswer> {
  return ask({
    method: 'PATCH',
    rest: `/api/v1/nodes/${nodeName}`,
    body: {
      contentType: 'application/merge-patch+json',
      json: {
        metadata: { annotations: { [drainAnnotation]: new Date(until).toISOString() } },
        spec: { unschedulable: true },
      },
    },
  });
}

/** Takes the word back, if it is still that of this drain. */
export async function endDrain({ ask, nodeName, until }: Drain): Promise<void> {
  const path = `/metadata/annotations/${drainAnnotation.replaceAll('/', '~1')}`;
  await ask({
    method: 'PATCH',
    rest: `/api/v1/nodes/${nodeName}`,
    body: {
      contentType: 'application/json-patch+json',
      json: [
        { op: 'test', path, value: new Date(until).toISOString() },
        { op: 'remove', path },
      ],
    },
  });
}

/**
 * Evicts what is on a cordoned node until nothing is left. Whatever passes by itself, a PodDisruptionBudget or a cluster
 * that does not answer, is tried again.
 * @throws CodedError for what does not: a right that is gone, a cluster that is
 */
export async function evictPods(drain: Drain, clock: Clock, signal: AbortSignal): Promise<DrainEnd> {
  const ask = askPatiently(drain.ask);
  const refused = new Set<string>();
  const isStopped = (): boolean => signal.aborted;
  while (!isStopped()) {
    let waitMs = roundMs;
    const read = await readNodeState(ask, drain.nodeName);
    if ('state' in read) {
      const { isCordoned, pods } = read.state;
      if (!isCordoned) return 'uncordoned';
      if (pods.length === 0) return 'drained';
      const waiting = pods.filter(({ isEnding, uid }) => !isEnding && !refused.has(uid));
      let isBlocked = false;
      for (const pod of waiting) {
        if (isStopped()) return 'stopped';
        const { status } = await evict(ask, pod);
        if (mayPass(status)) isBlocked = true;
        else if (!isGone(status)) refused.add(pod.uid);
      }
      if (pods.every(({ uid }) => refused.has(uid))) return 'refused';
      if (!isBlocked) waitMs = roundWhileEndingMs;
    } else if (!mayPass(read.refusal.status)) {
      return 'refused';
    }
    if (clock.now() >= drain.until) return 'out-of-time';
    await sleep(clock, waitMs, signal);
  }
  return 'stopped';
}

/** By its own uid: one of the same name that came since stays. */
function evict(ask: AskCluster, { namespace, name, uid }: LeavingPod): Promise<ClusterAnswer> {
  return ask({
    method: 'POST',
    rest: `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}/eviction`,
    body: {
      contentType: 'application/json',
      json: {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name, namespace },
        deleteOptions: { preconditions: { uid } },
      },
    },
  });
}

function isGone(status: number): boolean {
  return status < 300 || status === 404;
}

/** 429 is a PodDisruptionBudget, 409 somebody else's change. */
function mayPass(status: number): boolean {
  return status === 409 || status === 429 || status >= 500;
}

/** Without an answer as after one that may pass. */
function askPatiently(ask: AskCluster): AskCluster {
  return async (request) => {
    try {
      return await ask(request);
    } catch (thrown) {
      const error = asCodedError(thrown);
      if (!mayMend(error)) throw error;
      return { status: errorDefinition(error.code).status, headers: [], body: Buffer.alloc(0) };
    }
  };
}

function mayMend({ code }: CodedError): boolean {
  const { stage } = errorDefinition(code);
  return stage === 'connection' || stage === 'credential' || code === 'reviews-unavailable';
}
