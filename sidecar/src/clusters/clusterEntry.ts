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
  /** What `select` would give, where no plugin has to be waited for. */
  selectNow(): LiveCluster | undefined;
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
    const { allowedServers: _servers, allowProxyUrl: _proxies, ...lasting } = rules;
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
  identity: EntryIdentity,
  profile: ClusterProfile,
  access: Access,
  parts: EntryParts,
): MutableClusterEntry {
  return new Entry(identity, profile, access, parts);
}

/** A class, since there are thousands: with functions and getters of its own each takes 2 KB more. */
class Entry implements MutableClusterEntry {
  readonly name: ClusterName;
  readonly key: ProfileKey;
  readonly root: string;
  readonly #parts: EntryParts;
  #profile: ClusterProfile;
  #access: Access;
  #history: StatusHistory;
  #serving: string | undefined;
  #session: Session | undefined;

  constructor(
    { name, key, root }: EntryIdentity,
    profile: ClusterProfile,
    access: Access,
    parts: EntryParts,
  ) {
    this.name = name;
    this.key = key;
    this.root = root;
    this.#parts = parts;
    this.#profile = profile;
    this.#access = access;
    this.#history = [this.#initialStatus(access)];
  }

  get profile(): ClusterProfile {
    return this.#profile;
  }

  get provider(): string | undefined {
    if (this.#access.kind === 'unreachable') return this.#access.provider;
    return this.#serving ?? this.#access.candidates[0]?.provider;
  }

  get status(): ClusterStatus {
    return this.#history[0];
  }

  get history(): StatusHistory {
    return this.#history;
  }

  selectNow(): LiveCluster | undefined {
    if (this.#access.kind === 'unreachable') return undefined;
    const [first] = this.#access.candidates;
    const live = first && this.#session?.opened.get(first);
    if (!first || !live?.credentials.current()) return undefined;
    this.#serve(first);
    return live;
  }

  async select(): Promise<LiveCluster> {
    if (this.#access.kind === 'unreachable') throw this.#access.error;
    const { candidates } = this.#access;
    const session = (this.#session ??= { lifetime: new AbortController(), opened: new Map() });
    const { signal } = session.lifetime;
    let firstError: CodedError | undefined;
    for (const candidate of candidates) {
      const live = this.#open(session, candidate);
      try {
        await live.credentials.get();
        this.#serve(candidate);
        return live;
      } catch (thrown) {
        if (signal.aborted) throw asCodedError(signal.reason);
        firstError ??= asCodedError(thrown);
      }
    }
    const error = firstError ?? new CodedError('no-matching-provider');
    this.report(error);
    throw error;
  }

  report(outcome: 'ok' | CodedError): void {
    if (outcome === 'ok') {
      // Of nearly every request.
      if (this.status.state === 'ready') return;
      this.#setStatus({ state: 'ready', since: this.#parts.now() });
      return;
    }
    const next = statusOfError(outcome, this.#parts.now());
    // A request that was cut because the access changed says nothing about the access that there is now.
    if (next && this.#access.kind === 'reachable' && next.stage !== 'profile' && next.stage !== 'access')
      this.#setStatus(next);
  }

  update(profile: ClusterProfile, access: Access): void {
    // Made when it is asked: kept, it would take more memory than all else of a cluster.
    const isSame = fingerprint(access, profile.uid) === fingerprint(this.#access, this.#profile.uid);
    const isAnother = profile.uid !== this.#profile.uid;
    this.#profile = profile;
    if (isSame) return;
    this.#access = access;
    this.close(
      access.kind === 'unreachable'
        ? access.error
        : new CodedError('connection-reset', 'The access of the cluster changed'),
    );
    const first = this.#initialStatus(access);
    // A profile that was created again is another cluster: nothing of the old one is its own (DI-33).
    this.#history = isAnother ? [first] : recordStatus(this.#history, first);
  }

  close(reason: CodedError): void {
    const ended = this.#session;
    this.#session = undefined;
    this.#serving = undefined;
    ended?.lifetime.abort(reason);
    for (const live of ended?.opened.values() ?? []) {
      live.credentials.close();
      live.connections.close();
    }
  }

  #initialStatus(access: Access): ClusterStatus {
    const since = this.#parts.now();
    const notChecked: ClusterStatus = { state: 'not-checked', since };
    return access.kind === 'reachable' ? notChecked : (statusOfError(access.error, since) ?? notChecked);
  }

  #open({ lifetime, opened }: Session, candidate: AccessCandidate): LiveCluster {
    const present = opened.get(candidate);
    if (present) return present;
    const live = this.#parts.openCluster(candidate, lifetime.signal);
    opened.set(candidate, live);
    return live;
  }

  #serve({ provider }: AccessCandidate): void {
    const isOther = provider !== this.provider;
    this.#serving = provider;
    if (isOther) this.#parts.onChange(this.name);
  }

  #setStatus(next: ClusterStatus): void {
    const recorded = recordStatus(this.#history, next);
    if (recorded === this.#history) return;
    this.#history = recorded;
    this.#parts.onChange(this.name);
  }
}
