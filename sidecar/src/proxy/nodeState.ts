import { asArray, asRecord, asText, parseJson } from '../foundation/unknownValue.ts';
import type { ClusterAnswer, OwnRequest } from './askCluster.ts';

/** Whoever sends it, as whom, and by which rights is decided elsewhere. @throws CodedError for what is no answer */
export type AskCluster = (request: OwnRequest) => Promise<ClusterAnswer>;

/** One that has to leave a node that is drained. */
export interface LeavingPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** It was told to. */
  readonly isEnding: boolean;
}

/** How far the drain of a node is: all that anybody needs to know of it is in the cluster. */
export interface NodeState {
  readonly isCordoned: boolean;
  /** Until when a drain goes on, milliseconds; undefined where none does. */
  readonly drainUntil: number | undefined;
  readonly pods: readonly LeavingPod[];
}

/** RFC 3339; of a node whose Pods are being evicted, removed when that ends. */
export const drainAnnotation = 'cluster-inventory.headlamp.dev/drain-until';

/** The API server leaves out what nobody reads here; one that cannot answers whole Pods. */
const metadataOnly = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1, application/json';

/** The state, or the first answer of the cluster that refuses to tell it. */
export async function readNodeState(
  ask: AskCluster,
  nodeName: string,
): Promise<{ readonly state: NodeState } | { readonly refusal: ClusterAnswer }> {
  const node = await ask({ method: 'GET', rest: `/api/v1/nodes/${nodeName}` });
  if (node.status !== 200) return { refusal: node };
  const selector = `spec.nodeName=${nodeName},status.phase!=Succeeded,status.phase!=Failed`;
  const rest = `/api/v1/pods?fieldSelector=${encodeURIComponent(selector)}`;
  const pods = await ask({ method: 'GET', rest, accept: metadataOnly });
  if (pods.status !== 200) return { refusal: pods };
  return { state: { ...parseNode(readJson(node)), pods: findLeavingPods(readJson(pods)) } };
}

/** What is no JSON is nothing: of a node, one that is not cordoned. */
function readJson({ body }: ClusterAnswer): unknown {
  return parseJson(body.toString('utf8'));
}

function parseNode(node: unknown): Omit<NodeState, 'pods'> {
  const { metadata, spec } = asRecord(node);
  const until = Date.parse(asText(asRecord(asRecord(metadata)['annotations'])[drainAnnotation]) ?? '');
  return {
    isCordoned: asRecord(spec)['unschedulable'] === true,
    drainUntil: Number.isNaN(until) ? undefined : until,
  };
}

/**
 * Of a list of Pods on one node, those that a drain has to see gone. A DaemonSet's would come back at once, a mirror Pod
 * is a file on the node, and one that has finished is in nobody's way: as Headlamp says when a node is drained.
 */
export function findLeavingPods(list: unknown): readonly LeavingPod[] {
  return asArray(asRecord(list)['items']).flatMap((item): LeavingPod[] => {
    const { metadata, status } = asRecord(item);
    const { name, namespace, uid, annotations, ownerReferences, deletionTimestamp } = asRecord(metadata);
    const isOfDaemonSet = asArray(ownerReferences).some((owner) => asRecord(owner)['kind'] === 'DaemonSet');
    const isMirror = asRecord(annotations)['kubernetes.io/config.mirror'] !== undefined;
    const phase = asRecord(status)['phase'];
    const known = [name, namespace, uid].map(asText);
    const [podName, podNamespace, podUid] = known;
    if (podName === undefined || podNamespace === undefined || podUid === undefined) return [];
    if (isOfDaemonSet || isMirror || phase === 'Succeeded' || phase === 'Failed') return [];
    const isEnding = asText(deletionTimestamp) !== undefined;
    return [{ name: podName, namespace: podNamespace, uid: podUid, isEnding }];
  });
}

/**
 * In the words that Headlamp's UI waits for: it asks each second until this is `success`, or begins with `error`, which
 * it then shows.
 */
export function describeDrain({ isCordoned, drainUntil, pods }: NodeState, now: number): string {
  if (!isCordoned) return 'error: the node is not cordoned, so that no drain is under way';
  if (pods.length === 0) return 'success';
  const count = pods.length === 1 ? '1 Pod' : `${pods.length} Pods`;
  if (drainUntil !== undefined && now < drainUntil) return `draining: ${count} left`;
  const shown = pods.slice(0, 3).map(({ namespace, name }) => `${namespace}/${name}`);
  const more = pods.length > shown.length ? ', …' : '';
  return `error: the drain has ended with ${count} left on the node: ${shown.join(', ')}${more}`;
}
