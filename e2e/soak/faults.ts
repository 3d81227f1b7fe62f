import type { RelayFault } from '../parts/relay.ts';
import { clusterFaults } from '../parts/tokenCluster.ts';
import type { Random } from './random.ts';
import type { Scene } from './scene.ts';

export interface Faults {
  /** One fault of a cluster, a plugin or, where it is involved, the hub, by chance, or the end of one. @returns what was done */
  change(isHubInvolved: boolean): string;
  /** The hub, every cluster and every plugin are as they should be. */
  heal(): void;
}

type WrongAnswer = Extract<RelayFault, { readonly kind: 'answer' }>;

const answer = (to: 'watches' | 'all', status: number, body = '{"kind":"Status"}'): WrongAnswer => ({
  kind: 'answer',
  to,
  status,
  body,
});
const hubFaults: Readonly<Record<string, RelayFault>> = {
  cut: { kind: 'cut' },
  'half-open': { kind: 'half-open' },
  slow: { kind: 'slow', bytes: 300, pauseMs: 10 },
  delayed: { kind: 'delayed', delayMs: 1500 },
  'gone-as-status': answer('watches', 410),
  'gone-inside': answer('watches', 200, '{"type":"ERROR","object":{"kind":"Status","code":410}}\n'),
  'too-many': answer('all', 429),
  broken: answer('all', 500, '<html>'),
  'may-not': answer('all', 403),
  'not-there': answer('all', 404),
  'closed-at-once': answer('watches', 200, ''),
  garbage: answer('watches', 200, 'no JSON\n{"type":"ADDED","object":{"kind":"Pod"}}\n'),
};

/** What the fixture plugin does, by the variables that say so. */
const pluginFaults: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  fails: { PLUGIN_EXIT: '1', PLUGIN_STDERR: 'no such Secret' },
  'is killed': { PLUGIN_KILL: 'SIGKILL' },
  hangs: { PLUGIN_HANG: 'yes' },
  'hangs and stays on SIGTERM': { PLUGIN_HANG: 'yes', PLUGIN_IGNORE_TERM: 'yes' },
  'is slow': { PLUGIN_DELAY_MS: '1500' },
  'prints HTML': { PLUGIN_STDOUT: '<html></html>' },
  floods: { PLUGIN_FLOOD: '1' },
  'closes its output': { PLUGIN_CLOSE: 'yes' },
  'stops in the middle': { PLUGIN_HALF: 'yes' },
  'stays after its answer': { PLUGIN_LINGER: 'yes' },
  'leaves a process': { PLUGIN_GRANDCHILD: 'yes' },
  'answers what soon expires': { PLUGIN_LIFE_MS: '2500' },
  'answers what has expired': { PLUGIN_LIFE_MS: '-1000' },
};

export function createFaults(scene: Scene, random: Random): Faults {
  const { relay, fleet, clusters } = scene;
  let isHubFaulty = false;
  const faultyPlugins = new Set<string>();
  const healPlugin = (name: string): void => {
    fleet.controlPlugin(name, undefined);
    faultyPlugins.delete(name);
  };
  const healHub = (): void => {
    // A half-open connection would be noticed only after 150 s: its other end comes back and knows nothing of it.
    if (isHubFaulty) relay.setFault({ kind: 'cut' });
    // After a long outage the hub no longer knows the version that a watch goes on from.
    relay.setFault(
      isHubFaulty && random.next() < 0.5 ? { ...answer('watches', 410), isOnce: true } : undefined,
    );
    isHubFaulty = false;
  };
  const changeHub = (): string => {
    if (isHubFaulty && random.next() < 0.5) {
      healHub();
      return 'the hub is well';
    }
    const moments: Readonly<Record<string, () => void>> = {
      'ends its watches': () => relay.endWatches(),
      'cuts its next line': () => relay.cutNextLine(),
      'says garbage': () => relay.injectIntoWatches('}{\n\n{"type":"ADDED","object":[]}\n'),
    };
    const what = random.pick([...Object.keys(hubFaults), ...Object.keys(moments)]);
    moments[what]?.();
    const fault = hubFaults[what];
    if (fault) {
      isHubFaulty = true;
      relay.setFault(fault);
      if (fault.kind === 'answer') relay.endWatches();
    }
    return `the hub: ${what}`;
  };
  const changePlugin = (): string => {
    const [faulty] = faultyPlugins;
    if (faulty !== undefined && random.next() < 0.4) {
      healPlugin(faulty);
      return `the plugin of ${faulty} is well`;
    }
    const { name } = random.pick(clusters);
    // A credential that is held is to be asked for anew, or no fault would be seen before it expires.
    scene.revokeTokens(name);
    if (random.next() < 0.2) return `the credentials of ${name} are revoked`;
    const what = random.pick(Object.keys(pluginFaults));
    fleet.controlPlugin(name, pluginFaults[what]);
    faultyPlugins.add(name);
    return `the plugin of ${name} ${what}`;
  };
  const changeCluster = (): string => {
    const cluster = random.pick(clusters);
    const what = random.next() < 0.4 ? undefined : random.pick(clusterFaults);
    cluster.setFault(what);
    return `the cluster ${cluster.name} ${what ?? 'is well'}`;
  };
  return {
    change(isHubInvolved) {
      if (isHubInvolved && random.next() < 0.4) return changeHub();
      return random.next() < 0.5 ? changeCluster() : changePlugin();
    },
    heal() {
      healHub();
      for (const cluster of clusters) cluster.setFault(undefined);
      for (const name of [...faultyPlugins]) healPlugin(name);
    },
  };
}
