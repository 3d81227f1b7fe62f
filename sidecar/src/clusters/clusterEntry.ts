import { asCodedError, CodedError } from '../foundation/errors.ts';
import type { ClusterProfile } from '../inventory/clusterProfile.ts';
import type { ProfileKey } from '../inventory/profileKey.ts';
import type { ClusterName } from './clusterName.ts';
import { type ClusterStatus, recordStatus, statusOfError, type StatusHistory } from './clusterStatus.ts';
import type { LiveCluster } from './liveCluster.ts';
import type { Access, AccessCandidate } from './resolveAccess.ts';

/** One profile of the inventory, reachable or not. */
export interface ClusterEntry {
  readonly name: ClusterName;
  readonly key: ProfileKey;
  readonly root: string;
  readonly profile: ClusterProfile;
  /** The provider that serves or, where none does, the one whose fault it is. */
  readonly provider: string | undefined;
  readonly status: ClusterStatus;
  /** The status, and those before it since there is this cluster; the newest first, 20 at most. */
  readonly history: StatusHistory;
  /**
   * The way to the cluster now: the first candidate whose plugin answers (AC-14). Runs plugins (EX-31).
   * @throws CodedError of stage `profile`, `access` or `credential`
   */
  select(): Promise<LiveCluster>;
  /** What came of a request: `ok`, or an error, of which those of the cluster alter its status. */
  report(outcome: 'ok' | CodedError): void;
}

export interface EntryIdentity {
  readonly name: ClusterName;
  readonly key: ProfileKey;
  readonly root: string;
}

export interface EntryParts {
  readonly now: () => number;
  /** Makes the live side of a candidate; `closed` ends it. */
  readonly openCluster: (candidate: AccessCandidate, closed: AbortSignal) => LiveCluster;
  /** The state of a cluster changed. */
  readonly onChange: (name: ClusterName) => void;
}

/**
 * What an access is made of, compared to see whether it changed; functions and errors by what they say. What only
 * decided whether there is this access is left out: another server in the policy ends nothing that is open.
 */
function fingerprint(access: Access, uid: string): string {
  if (access.kind === 'unreachable') return JSON.stringify([uid, access.error.code, access.error.message]);
  const candidates = access.candidates.map(({ rules, ...candidate }) => {
    const { allowedServers: _decided, ...lasting } = rules;
    return { ...candidate, lasting };
  });
  return JSON.stringify([uid, candidates]);
}

/** A cluster entry that the registry brings up to date. */
export interface MutableClusterEntry extends ClusterEntry {
  update(profile: ClusterProfile, access: Access): void;
  /** Ends everything that is open with this reason. */
  close(reason: CodedError): void;
}

/** What is open of one state of the access; made when first needed, so that an unused cluster costs nothing. */
interface Session {
  readonly lifetime: AbortController;
  readonly opened: Map<AccessCandidate, LiveCluster>;
}

export function createClusterEntry(
  { name, key, root }: EntryIdentity,
  profileAtStart: ClusterProfile,
  accessAtStart: Access,
  { now, openCluster, onChange }: EntryParts,
): MutableClusterEntry {
  let profile = profileAtStart;
  let access: Access = accessAtStart;
  let history: StatusHistory = [initialStatus(access)];
  let serving: string | undefined;
  let session: Session | undefined;

  function initialStatus(current: Access): ClusterStatus {
    const notChecked: ClusterStatus = { state: 'not-checked', since: now() };
    return current.kind === 'reachable' ? notChecked : (statusOfError(current.error, now()) ?? notChecked);
  }

  function end(reason: CodedError): void {
    const ended = session;
    session = undefined;
    serving = undefined;
    ended?.lifetime.abort(reason);
    for (const live of ended?.opened.values() ?? []) {
      live.credentials.close();
      live.connections.close();
    }
  }

  function open({ lifetime, opened }: Session, candidate: AccessCandidate): LiveCluster {
    const present = opened.get(candidate);
    if (present) return present;
    const live = openCluster(candidate, lifetime.signal);
    opened.set(candidate, live);
    return live;
  }

  function providerNow(): string | undefined {
    if (access.kind === 'unreachable') return access.provider;
    return serving ?? access.candidates[0]?.provider;
  }

  function serve({ provider }: AccessCandidate): void {
    const isOther = provider !== providerNow();
    serving = provider;
    if (isOther) onChange(name);
  }

  function setStatus(next: ClusterStatus): void {
    const recorded = recordStatus(history, next);
    if (recorded === history) return;
    history = recorded;
    onChange(name);
  }

  return {
    name,
    key,
    root,
    get profile() {
      return profile;
    },
    get provider() {
      return providerNow();
    },
    get status() {
      return history[0];
    },
    get history() {
      return history;
    },
    async select() {
      if (access.kind === 'unreachable') throw access.error;
      const { candidates } = access;
      const current = (session ??= { lifetime: new AbortController(), opened: new Map() });
      const { signal } = current.lifetime;
      let firstError: CodedError | undefined;
      for (const candidate of candidates) {
        const live = open(current, candidate);
        try {
          await live.credentials.get();
          serve(candidate);
          return live;
        } catch (thrown) {
          if (signal.aborted) throw asCodedError(signal.reason);
          firstError ??= asCodedError(thrown);
        }
      }
      const error = firstError ?? new CodedError('no-matching-provider');
      this.report(error);
      throw error;
    },
    report(outcome) {
      if (outcome === 'ok') setStatus({ state: 'ready', since: now() });
      else {
        const next = statusOfError(outcome, now());
        // A request that was cut because the access changed says nothing about the access that there is now.
        if (next && access.kind === 'reachable' && next.stage !== 'profile' && next.stage !== 'access')
          setStatus(next);
      }
    },
    update(nextProfile, nextAccess) {
      // Made when it is asked: kept, it would take more memory than all else of a cluster.
      const isSame = fingerprint(nextAccess, nextProfile.uid) === fingerprint(access, profile.uid);
      const isAnother = nextProfile.uid !== profile.uid;
      profile = nextProfile;
      if (isSame) return;
      access = nextAccess;
      end(
        nextAccess.kind === 'unreachable'
          ? nextAccess.error
          : new CodedError('connection-reset', 'The access of the cluster changed'),
      );
      const first = initialStatus(nextAccess);
      // A profile that was created again is another cluster: nothing of the old one is its own (DI-33).
      history = isAnother ? [first] : recordStatus(history, first);
    },
    close: end,
  };
}
