import type { AccessRules } from '../clusters/accessPolicy.ts';
import { asRecord, asText, type UnknownRecord } from '../foundation/unknownValue.ts';
import { assertReadable } from './readOnly.ts';
import type { TrafficVerb } from './requestVerb.ts';
import { pathOf } from './target.ts';

export interface AccessReviewQuestion {
  readonly rules: Pick<AccessRules, 'readOnly' | 'mode' | 'exposed'>;
  /** Whether the hub lets the user send traffic of this verb. */
  readonly may: (verb: TrafficVerb) => Promise<boolean>;
}

export function isAccessReview(rest: string): boolean {
  return pathOf(rest) === '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
}

/** Verbs of the API, and what of `clusterprofiles/proxy` their requests need. */
const trafficVerbs: ReadonlyMap<string, TrafficVerb> = new Map([
  ['get', 'get'],
  ['list', 'get'],
  ['watch', 'get'],
  ['create', 'create'],
  ['update', 'update'],
  ['patch', 'patch'],
  ['delete', 'delete'],
  ['deletecollection', 'delete'],
]);

/** Only an upgrade makes use of these, whatever the verb in the question (ID-12). */
const upgradedSubresources: ReadonlySet<string> = new Set(['exec', 'attach', 'portforward', 'proxy']);

/**
 * A no to a SelfSubjectAccessReview where the hub or a read-only policy would refuse the request, so that Headlamp
 * hides what cannot be done (ID-17); undefined where the cluster is to be asked. `*` and verbs that no request has
 * (`impersonate`, `bind`) are the cluster's to answer, but never as more than the user's own traffic can do.
 */
export async function answerAccessReview(
  review: UnknownRecord,
  { rules, may }: AccessReviewQuestion,
): Promise<unknown> {
  const spec = asRecord(review['spec']);
  const attributes = asRecord(spec['resourceAttributes']);
  const verb = asText(attributes['verb']) ?? asText(asRecord(spec['nonResourceAttributes'])['verb']);
  const subresource = asText(attributes['subresource']) ?? '';
  const wanted = upgradedSubresources.has(subresource) ? 'create' : trafficVerbs.get(verb ?? '');
  const verbs: readonly TrafficVerb[] =
    wanted !== undefined
      ? [wanted]
      : verb === '*'
        ? ['get', 'create', 'update', 'patch', 'delete']
        : ['create'];
  for (const each of verbs) {
    if (!isReadable(rules, attributes, subresource, each))
      return deny(review, 'This cluster is read-only here');
    if (!(await may(each))) return deny(review, 'The hub does not let you do this');
  }
  return undefined;
}

export function isRulesReview(method: string, rest: string): boolean {
  return method === 'POST' && pathOf(rest) === '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews';
}

/**
 * What somebody may do in a cluster that the hub lets them see and not open: nothing. Headlamp opens each cluster with
 * this question and asks for a token when it is refused, though none would help; answered, it shows each refusal.
 */
export function answerRulesReview(review: UnknownRecord): unknown {
  return {
    ...review,
    status: { resourceRules: [], nonResourceRules: [], incomplete: false },
  };
}

function isReadable(
  rules: AccessReviewQuestion['rules'],
  attributes: Readonly<Record<string, unknown>>,
  subresource: string,
  verb: TrafficVerb,
): boolean {
  const resource = asText(attributes['resource']) ?? '';
  const group = asText(attributes['group']) ?? '';
  try {
    assertReadable(rules, { isResource: resource !== '', group, resource, subresource }, verb);
    return true;
  } catch {
    return false;
  }
}

function deny(review: UnknownRecord, reason: string): unknown {
  return { ...review, status: { allowed: false, reason } };
}
