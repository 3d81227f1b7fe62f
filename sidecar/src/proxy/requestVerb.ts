import { CodedError } from '../foundation/errors.ts';
import { decodePath, type KubernetesRequest } from './kubernetesRequest.ts';
import { pathOf } from './target.ts';

/** Verbs of `clusterprofiles/proxy`, as of `nodes/proxy` (ID-11). */
export type TrafficVerb = 'get' | 'create' | 'update' | 'patch' | 'delete';

const verbsByMethod: ReadonlyMap<string, TrafficVerb> = new Map([
  ['GET', 'get'],
  ['HEAD', 'get'],
  ['POST', 'create'],
  ['PUT', 'update'],
  ['PATCH', 'patch'],
  ['DELETE', 'delete'],
]);

/** Questions about oneself change nothing, and Headlamp opens every page with one (ID-16). Their exact paths. */
const selfReviewPath =
  /^\/apis\/(authorization\.k8s\.io\/v1\/selfsubject(rules|access)reviews|authentication\.k8s\.io\/v1\/selfsubjectreviews)$/;

export interface VerbQuestion {
  readonly method: string;
  /** The raw path and query below the cluster, as they are sent on. */
  readonly rest: string;
  readonly asked: KubernetesRequest;
  readonly isUpgrade: boolean;
}

/**
 * Which right a request needs, decided from what is sent on.
 * @throws CodedError `method-refused`
 */
export function decideVerb({ method, rest, asked, isUpgrade }: VerbQuestion): TrafficVerb {
  const verb = verbsByMethod.get(method);
  if (verb === undefined) throw new CodedError('method-refused');
  // A GET on nodes/<n>/proxy/exec runs a command, whatever the method (ID-12).
  if (asked.isProxySubresource) return 'create';
  if (isUpgrade) {
    const isPodLog = asked.group === '' && asked.resource === 'pods' && asked.subresource === 'log';
    // Nobody watches a subresource: to other API servers, `…/console?watch=1` opens a console all the same.
    const isWatch = asked.isResource && asked.isWatch && asked.subresource === '';
    return method === 'GET' && (isWatch || isPodLog) && !isAmbiguous(rest) ? 'get' : 'create';
  }
  // An API server runs the command of a GET of pods/exec that asks for an upgrade in a way not known here.
  if (verb === 'get' && isStreaming(asked.subresource)) return 'create';
  if (isSelfReview(method, rest)) return 'get';
  return verb === 'get' && isAmbiguous(rest) ? 'create' : verb;
}

const emptySegment = /[^/]\/\/+[^/]/;

/** Whether somebody in front of the API server could read another path, which may be one behind proxy. */
function isAmbiguous(rest: string): boolean {
  const path = decodePath(pathOf(rest));
  return path === undefined || emptySegment.test(path);
}

export function isSelfReview(method: string, rest: string): boolean {
  return method === 'POST' && selfReviewPath.test(pathOf(rest));
}

function isStreaming(subresource: string): boolean {
  return subresource === 'exec' || subresource === 'attach' || subresource === 'portforward';
}
