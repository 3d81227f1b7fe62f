import { setImmediate as yieldToLoop } from 'node:timers/promises';
import type { Clock } from '../foundation/clock.ts';
import { type Log, withFields } from '../foundation/log.ts';
import type { ClusterProfile } from './clusterProfile.ts';
import { createHubClient, type HubClient } from './hubClient.ts';
import type { HubCredential } from './hubCredential.ts';
import { buildProfileKey, type ProfileKey } from './profileKey.ts';
import { type Reflector, type ReflectorState, startReflector } from './reflector.ts';
import type { Root } from './root.ts';

/** A profile and where it was found. */
export interface InventoryItem {
  readonly key: ProfileKey;
  readonly root: string;
  readonly profile: ClusterProfile;
}

export interface RootState {
  readonly root: string;
  /** One for each watched namespace; undefined stands for all. */
  readonly namespaces: readonly { readonly namespace: string | undefined; readonly state: ReflectorState }[];
}

export interface InventoryOptions {
  readonly namespaces: 'all' | 'default' | readonly string[];
  readonly labelSelector: string;
  readonly noCrdIntervalMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly credentialFor: (root: Root) => HubCredential;
  /** A profile is there, new or changed. */
  readonly onUpsert: (item: InventoryItem) => void;
  readonly onDelete: (key: ProfileKey) => void;
  /** How a root is followed changed. */
  readonly onRootState: () => void;
}

/** All profiles of all roots, as the hubs say. */
export interface Inventory {
  /** Watches what is new, ends what is gone, and watches anew what connects otherwise (DI-03). */
  setRoots(roots: readonly Root[]): void;
  states(): RootState[];
  /** True once each root was tried once: listed, without the resource, or failed (FA-01). */
  isSettled(): boolean;
  close(): void;
}

/** So many new profiles in a row, each with its access to resolve; others have their turn then (DI-40). */
const sliceLength = 100;

interface WatchedRoot {
  readonly fingerprint: string;
  readonly client: HubClient;
  readonly slices: readonly Slice[];
}

interface Slice {
  readonly namespace: string | undefined;
  readonly reflector: Reflector;
}

export function createInventory(options: InventoryOptions): Inventory {
  const watched = new Map<string, WatchedRoot>();
  /** What each slice holds; kept when its root is watched anew, so that clusters do not blink (DI-03). */
  const held = new Map<string, Map<ProfileKey, string>>();

  const startSlice = (root: Root, client: HubClient, namespace: string | undefined): Slice => {
    const sliceId = `${root.name}\n${namespace ?? ''}`;
    const keys = held.get(sliceId) ?? new Map<ProfileKey, string>();
    held.set(sliceId, keys);
    const keyOf = (profile: ClusterProfile): ProfileKey =>
      buildProfileKey(root.name, profile.namespace, profile.name);
    const upsert = (profile: ClusterProfile): void => {
      const key = keyOf(profile);
      const seen = `${profile.uid} ${profile.resourceVersion}`;
      if (keys.get(key) === seen) return;
      keys.set(key, seen);
      options.onUpsert({ key, root: root.name, profile });
    };
    const remove = (key: ProfileKey): void => {
      if (keys.delete(key)) options.onDelete(key);
    };
    const reflector = startReflector({
      client,
      scope: { namespace, labelSelector: options.labelSelector },
      clock: options.clock,
      random: options.random,
      log: withFields(options.log, { root: root.name, namespace: namespace ?? '*' }),
      noCrdIntervalMs: options.noCrdIntervalMs,
      async onReplace(profiles, signal) {
        const present = new Set(profiles.map(keyOf));
        for (const key of [...keys.keys()]) if (!present.has(key)) remove(key);
        for (const [index, profile] of profiles.entries()) {
          if (index > 0 && index % sliceLength === 0) await yieldToLoop();
          if (signal.aborted) return;
          upsert(profile);
        }
      },
      onUpsert: upsert,
      onDelete(profile) {
        remove(keyOf(profile));
      },
      onState: options.onRootState,
    });
    return { namespace, reflector };
  };

  const startRoot = (root: Root): WatchedRoot => {
    const client = createHubClient(root, options.credentialFor(root));
    const namespaces =
      options.namespaces === 'all'
        ? [undefined]
        : options.namespaces === 'default'
          ? [root.defaultNamespace]
          : options.namespaces;
    return {
      fingerprint: JSON.stringify(root),
      client,
      slices: namespaces.map((namespace) => startSlice(root, client, namespace)),
    };
  };

  const stopRoot = (root: WatchedRoot): void => {
    for (const { reflector } of root.slices) reflector.close();
    root.client.close();
  };

  const forgetSlices = (name: string, kept: readonly Slice[]): void => {
    const keptIds = new Set(kept.map(({ namespace }) => `${name}\n${namespace ?? ''}`));
    for (const [sliceId, keys] of held) {
      if (!sliceId.startsWith(`${name}\n`) || keptIds.has(sliceId)) continue;
      held.delete(sliceId);
      for (const key of keys.keys()) options.onDelete(key);
    }
  };

  return {
    setRoots(roots) {
      const wanted = new Map(roots.map((root) => [root.name, root]));
      for (const [name, current] of watched) {
        if (wanted.has(name)) continue;
        stopRoot(current);
        watched.delete(name);
        forgetSlices(name, []);
      }
      for (const [name, root] of wanted) {
        const outdated = watched.get(name);
        if (outdated?.fingerprint === JSON.stringify(root)) continue;
        // The new one first: the credential of a plugin that both have is kept while one of them is open.
        const started = startRoot(root);
        if (outdated) stopRoot(outdated);
        watched.set(name, started);
        forgetSlices(name, started.slices);
      }
    },
    states: () =>
      [...watched].map(([root, { slices }]) => ({
        root,
        namespaces: slices.map(({ namespace, reflector }) => ({ namespace, state: reflector.state() })),
      })),
    isSettled: () =>
      [...watched.values()].every(({ slices }) =>
        slices.every(({ reflector }) => reflector.state().phase !== 'starting'),
      ),
    close() {
      for (const root of watched.values()) stopRoot(root);
      watched.clear();
    },
  };
}
