import type { ResourceAttributes } from './hubReviews.ts';

/** The resource of a profile on the hub. */
export const profileGroup = 'multicluster.x-k8s.io';
export const profileResource = 'clusterprofiles';

export interface ProfileId {
  readonly namespace: string;
  readonly name: string;
}

const ofProfiles = new WeakMap<ProfileId, Map<string, ResourceAttributes>>();

/** What traffic of a verb to a cluster needs (ID-11): the same object for the same profile as long as it is one. */
export function trafficAttributes(verb: string, profile: ProfileId): ResourceAttributes {
  const byVerb = ofProfiles.get(profile) ?? new Map<string, ResourceAttributes>();
  let attributes = byVerb.get(verb);
  if (attributes === undefined) {
    ofProfiles.set(profile, byVerb);
    const { namespace, name } = profile;
    attributes = {
      verb,
      group: profileGroup,
      resource: profileResource,
      subresource: 'proxy',
      namespace,
      name,
    };
    byVerb.set(verb, attributes);
  }
  return attributes;
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
