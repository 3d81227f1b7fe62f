import type { ClustersResponse } from '../../sidecar/src/api/clusterTypes.ts';
import { clusterProfileApiVersion } from '../parts/hub.ts';
import { keyOf, pathOf, type ClusterAnswer } from './answers.ts';
import type { Profiles } from './profiles.ts';
import type { Scene } from './scene.ts';

interface HubProfile {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec: { readonly displayName?: string };
}

/** What is served otherwise than the hub has it now, in words; empty when all is as it should be. */
export async function findDifferences(
  { fleet: { hub }, sidecar }: Pick<Scene, 'fleet' | 'sidecar'>,
  profiles: Profiles,
): Promise<readonly string[]> {
  const path = `/apis/${clusterProfileApiVersion}/namespaces/default/clusterprofiles`;
  const present = await hub.client.list<HubProfile>(path);
  const wanted = present
    .filter(({ metadata: { labels } }) => labels?.['headlamp.dev/ignore'] === undefined)
    .map(({ metadata, spec }) => `${keyOf(metadata.name)} ${metadata.uid} ${spec.displayName ?? ''}`);
  const answer = await fetch(`${sidecar.url}/cluster-inventory/v1/clusters`);
  const { clusters, roots } = (await answer.json()) as ClustersResponse;
  const listed = clusters.map(({ key, uid, displayName }) => `${key} ${uid} ${displayName}`);
  return [
    ...wanted.filter((each) => !listed.includes(each)).map((each) => `not listed: ${each}`),
    ...listed.filter((each) => !wanted.includes(each)).map((each) => `listed: ${each}`),
    ...roots.filter(({ state }) => state !== 'synced').map(({ name, state }) => `${name} is ${state}`),
    ...clusters.filter(({ stale }) => stale).map(({ key }) => `stale: ${key}`),
    ...(await Promise.all(profiles.names.map((name) => findWrongAnswer(sidecar.url, name, profiles)))).flat(),
  ];
}

async function findWrongAnswer(
  url: string,
  name: string,
  { published }: Profiles,
): Promise<readonly string[]> {
  const response = await fetch(`${url}${pathOf(name)}/api/v1/pods`);
  const text = await response.text();
  const profile = published.get(name);
  const wanted = !profile || profile.isHidden ? 404 : profile.cluster === undefined ? 502 : 200;
  if (response.status !== wanted)
    return [
      `${name} answers ${response.status} ${response.headers.get('x-cluster-inventory-error') ?? ''}, not ${wanted}`,
    ];
  if (wanted !== 200) return [];
  const { cluster, token } = JSON.parse(text) as ClusterAnswer;
  const start = `${profile?.cluster ?? ''}.${name}-${profile?.generation ?? ''}.`;
  return cluster === profile?.cluster && token.startsWith(start)
    ? []
    : [`${name} is ${cluster} by ${token}, not by ${start}…`];
}
