import type { AccessRules } from '../clusters/accessPolicy.ts';
import { CodedError } from '../foundation/errors.ts';
import type { KubernetesRequest } from './kubernetesRequest.ts';
import type { TrafficVerb } from './requestVerb.ts';

/**
 * Whether the policy lets a request through that the hub allows. Where it makes a cluster read-only, nothing is
 * changed; and where everyone uses one credential, what it alone may see stays unseen (ID-20).
 * @throws CodedError `read-only`
 */
export function assertReadable(
  { readOnly, mode, exposed }: Pick<AccessRules, 'readOnly' | 'mode' | 'exposed'>,
  {
    isResource,
    group,
    resource,
    subresource,
  }: Pick<KubernetesRequest, 'isResource' | 'group' | 'resource' | 'subresource'>,
  verb: TrafficVerb,
): void {
  if (!readOnly) return;
  if (verb !== 'get') throw new CodedError('read-only');
  if (mode !== 'shared' || !isResource || group !== '') return;
  const isHidden =
    (resource === 'secrets' && !exposed.includes('secrets')) ||
    (resource === 'serviceaccounts' && subresource === 'token' && !exposed.includes('serviceaccounts/token'));
  if (isHidden) throw new CodedError('read-only', `This cluster is read-only here, without its ${resource}`);
}
