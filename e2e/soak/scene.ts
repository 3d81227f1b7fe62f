import { join } from 'node:path';
import { startFaultFleet, type FaultFleet } from '../parts/faultFleet.ts';
import { startRelay, type Relay } from '../parts/relay.ts';
import type { SidecarProcess } from '../parts/sidecar.ts';
import { startTokenCluster, type ClusterRequest, type TokenCluster } from '../parts/tokenCluster.ts';
import type { Violations } from './violations.ts';

const clusterCount = 6;
const observer = join(import.meta.dirname, '../../sidecar/test/fixtures/observe.mjs');

/** What a soak runs on: a real hub behind a relay, a sidecar, and clusters that look at each token. */
export interface Scene {
  readonly fleet: FaultFleet;
  readonly relay: Relay;
  readonly clusters: readonly TokenCluster[];
  readonly sidecar: SidecarProcess;
  /** Where the sidecar writes what it holds, once for each SIGUSR2. */
  readonly observedFile: string;
  /** The cluster takes no token that was issued so far. */
  revokeTokens(cluster: string): void;
  /** From now on no token of an earlier state of this profile may come. */
  requireGeneration(profile: string, number: number): void;
  stop(): Promise<void>;
}

/** `<cluster>.<profile>-<number>.<milliseconds>`, as the fixture plugin answers. */
const tokenShape = /^([^.]+)\.([^.]+)-(\d+)\.(\d+)$/;

export async function startScene(violations: Violations): Promise<Scene> {
  const revokedAt = new Map<string, number>();
  const leastGenerations = new Map<string, number>();
  const accepts = (name: string, { token }: ClusterRequest): boolean => {
    const [, cluster, profile = '', number, issuedAt] = tokenShape.exec(token) ?? [];
    if (cluster !== name) violations.add(`a credential of ${cluster ?? 'nobody'} reached ${name}`);
    if (Number(number) < (leastGenerations.get(profile) ?? 0))
      violations.add(`${name} was asked with a credential of an earlier state of ${profile}`);
    return Number(issuedAt) > (revokedAt.get(name) ?? 0);
  };
  const fleet = await startFaultFleet();
  const relay = await startRelay(fleet.hub);
  const clusters = await Promise.all(
    Array.from({ length: clusterCount }, (_, index) => {
      const name = `c${index}`;
      return startTokenCluster({ name, maxRequests: 1, accepts: (request) => accepts(name, request) });
    }),
  );
  const observedFile = join(fleet.folder, 'observed.jsonl');
  const sidecar = await fleet.startSidecar(
    { hub: { url: relay.url } },
    {
      extraArgs: [
        '--plugin-timeout=3s',
        '--plugin-concurrency=4',
        '--cluster-inventory-no-crd-cache-ttl=1s',
        '--log-format=json',
      ],
      nodeArgs: ['--expose-gc', `--import=${observer}`],
      environment: { OBSERVED_FILE: observedFile },
    },
  );
  return {
    fleet,
    relay,
    clusters,
    sidecar,
    observedFile,
    revokeTokens: (cluster) => revokedAt.set(cluster, Date.now()),
    requireGeneration: (profile, number) => leastGenerations.set(profile, number),
    async stop() {
      await fleet.stop();
      await Promise.all([relay, ...clusters].map((each) => each.close()));
    },
  };
}
