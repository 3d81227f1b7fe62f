import { buildFixtureAccess } from '../parts/faultFleet.ts';
import { KubeError } from '../parts/kubeClient.ts';
import type { Random } from './random.ts';
import type { Scene } from './scene.ts';

/** A profile as it was last written to the hub. */
export interface PublishedProfile {
  /** Goes up with every state of any profile's access. */
  generation: number;
  /** The cluster that it leads to; undefined where it names no access provider. */
  cluster: string | undefined;
  isHidden: boolean;
  displayName: string;
}

export interface Profiles {
  readonly published: ReadonlyMap<string, PublishedProfile>;
  /** Each name that ever was. */
  readonly names: readonly string[];
  /** One change, by chance. @returns what was done */
  change(): Promise<string>;
}

const names = Array.from({ length: 12 }, (_, index) => `p${index}`);
const ignoreLabel = 'headlamp.dev/ignore';
const flapPauseMs = 100;

export async function publishProfiles(
  { fleet: { hub }, clusters }: Pick<Scene, 'fleet' | 'clusters'>,
  random: Random,
): Promise<Profiles> {
  const published = new Map<string, PublishedProfile>();
  let generation = 0;

  const publishAccess = async (name: string, profile: PublishedProfile): Promise<void> => {
    const cluster = random.pick(clusters);
    profile.generation = ++generation;
    profile.cluster = cluster.name;
    await hub.patchStatus(name, { accessProviders: [buildFixtureAccess(cluster, `${name}-${generation}`)] });
  };
  const create = async (name: string): Promise<void> => {
    const displayName = `${name} of ${generation}`;
    await hub.createProfile({ name, displayName });
    const profile: PublishedProfile = { generation, cluster: undefined, isHidden: false, displayName };
    published.set(name, profile);
    await publishAccess(name, profile);
  };
  const remove = async (name: string): Promise<void> => {
    published.delete(name);
    await hub.deleteProfile(name);
  };
  const flap = async (times: number, act: (turn: number) => Promise<unknown>): Promise<void> => {
    for (let turn = 0; turn < times; turn++) {
      await act(turn);
      await new Promise((resolve) => setTimeout(resolve, flapPauseMs));
    }
  };

  const changes: Readonly<Record<string, (name: string, profile: PublishedProfile) => Promise<unknown>>> = {
    delete: (name) => remove(name),
    recreate: async (name) => {
      await remove(name);
      await create(name);
    },
    'change of access': publishAccess,
    'loss of access': (name, profile) => {
      profile.cluster = undefined;
      return hub.patchStatus(name, { accessProviders: [] });
    },
    rename: (name, profile) => {
      profile.displayName = `${name}, renamed ${random.between(0, 1_000_000)}`;
      return hub.patchProfile(name, { spec: { displayName: profile.displayName } });
    },
    'change of label': (name, profile) => {
      profile.isHidden = !profile.isHidden;
      return hub.patchProfile(name, {
        metadata: { labels: { [ignoreLabel]: profile.isHidden ? 'true' : null } },
      });
    },
    'flapping status': (name) =>
      flap(10, (turn) => hub.patchStatus(name, { version: { kubernetes: `v1.36.${turn}` } })),
    'flapping access': (name, profile) => flap(10, () => publishAccess(name, profile)),
  };

  /** What cannot be asked is not for long: most of what may go wrong needs requests. */
  const pickChange = ({ isHidden, cluster }: PublishedProfile): string => {
    const repair = isHidden ? 'change of label' : cluster === undefined ? 'change of access' : undefined;
    return repair !== undefined && random.next() < 0.5 ? repair : random.pick(Object.keys(changes));
  };

  for (const name of names) await create(name);
  return {
    published,
    names,
    async change() {
      const name = random.pick(names);
      const profile = published.get(name);
      const what = profile ? pickChange(profile) : 'create';
      try {
        await (profile ? changes[what]?.(name, profile) : create(name));
      } catch (error) {
        // The hub itself has no faults: what it refuses, the soak asked wrongly.
        if (error instanceof KubeError)
          throw new Error(`${what} of ${name}: ${error.message}`, { cause: error });
        throw error;
      }
      return `${what}: ${name}`;
    },
  };
}
