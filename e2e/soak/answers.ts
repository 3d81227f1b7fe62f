import { buildClusterName } from '../../sidecar/src/clusters/clusterName.ts';
import { buildProfileKey } from '../../sidecar/src/inventory/profileKey.ts';
import type { Violations } from './violations.ts';

/** What the sidecar may answer while the hub, the profiles and the plugins have faults. */
const expectedStatuses: ReadonlySet<number> = new Set([200, 404, 502, 504]);
const unexpectedCodes: ReadonlySet<string> = new Set(['', 'internal-error']);

export interface ClusterAnswer {
  readonly cluster: string;
  readonly token: string;
}

export function keyOf(profile: string): string {
  return buildProfileKey('store/hub', 'default', profile);
}

export function pathOf(profile: string): string {
  return `/clusters/${buildClusterName(buildProfileKey('store/hub', 'default', profile))}`;
}

/** Looks whether this may be an answer. @returns its status and its code */
export function judgeAnswer({ status, headers }: Response, text: string, violations: Violations): string {
  const code = headers.get('x-cluster-inventory-error') ?? '';
  const outcome = `${status} ${code}`.trim();
  if (!expectedStatuses.has(status) || (status !== 200 && unexpectedCodes.has(code)))
    violations.add(`an answer ${outcome}`);
  if (status === 200) {
    const { cluster, token } = JSON.parse(text) as ClusterAnswer;
    if (!token.startsWith(`${cluster}.`))
      violations.add(`${cluster} answered to a credential of another cluster`);
  }
  return outcome;
}
