import type { ResourceAttributes } from './hubReviews.ts';

/** The resource of a profile on the hub. */
export const profileGroup = 'multicluster.x-k8s.io';
export const profileResource = 'clusterprofiles';

export interface ProfileId {
  readonly namespace: string;
  readonly name: string;
}

/** What traffic of a verb to a cluster needs (ID-11). */
export function trafficAttributes(verb: string, { namespace, name }: ProfileId): ResourceAttributes {
  return { verb, group: profileGroup, resource: profileResource, subresource: 'proxy', namespace, name };
}

/** What seeing profiles needs (ID-10). */
export function seeingAttributes(
  verb: 'get' | 'list',
  { namespace, name }: Partial<ProfileId>,
): ResourceAttributes {
  return {
    verb,
    group: profileGroup,
    resource: profileResource,
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
  };
}
