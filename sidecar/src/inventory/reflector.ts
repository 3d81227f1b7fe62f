import { type BackoffOptions, createBackoff } from '../foundation/backoff.ts';
import { type Clock, sleep } from '../foundation/clock.ts';
import { CodedError, type ErrorCode } from '../foundation/errors.ts';
import type { Log } from '../foundation/log.ts';
import type { ClusterProfile } from './clusterProfile.ts';
import type { HubClient } from './hubClient.ts';
import { discoverVersion, HubAnswer, listProfiles, type ListScope, watchProfiles } from './listAndWatch.ts';

export type ReflectorPhase = 'starting' | 'synced' | 'no-crd' | 'failing';

export interface ReflectorState {
  readonly phase: ReflectorPhase;
  /** Since when this phase holds, milliseconds since the epoch. */
  readonly since: number;
  /** The last time the hub confirmed what is held: a complete list, a watch that began, an event, or a bookmark. */
  readonly confirmedAt?: number;
  /** Why, in `failing`. */
  readonly reason?: { readonly code: ErrorCode; readonly message: string };
}

export interface ReflectorOptions {
  readonly client: HubClient;
  readonly scope: ListScope;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** How often a hub without the resource is asked again, in milliseconds (DI-10, DI-11). */
  readonly noCrdIntervalMs: number;
  /**
   * A complete list: exactly what there is (DI-21). What follows waits for it; it ends early once the signal is aborted.
   */
  readonly onReplace: (profiles: readonly ClusterProfile[], signal: AbortSignal) => Promise<void>;
  readonly onUpsert: (profile: ClusterProfile) => void;
  readonly onDelete: (profile: ClusterProfile) => void;
  /** The phase or its reason changed. */
  readonly onState: (state: ReflectorState) => void;
}

/** DI-25, client-go's reflector: 0.8 s doubled to 30 s, each up to twice as long by chance. */
const retryBackoff: Omit<BackoffOptions, 'random'> = { initialMs: 800, maxMs: 30_000, jitter: 'above' };
const quietResetMs = 120_000;
/** A watch that ends sooner and without anything new is a failure (DI-23). */
const shortestWatchMs = 1000;
/** API servers send bookmarks about once a minute, a busy one later; beyond this the connection is dead (DI-26). */
const silenceMs = 150_000;

export interface Reflector {
  state(): ReflectorState;
  close(): void;
}

/** Keeps one namespace of one hub (or all of it) listed and watched until it is closed. */
export function startReflector(options: ReflectorOptions): Reflector {
  const { client, scope, clock, random, log, noCrdIntervalMs } = options;
  const stop = new AbortController();
  const isStopped = (): boolean => stop.signal.aborted;
  const backoff = createBackoff({ ...retryBackoff, random });
  let state: ReflectorState = { phase: 'starting', since: clock.now() };
  let resourceVersion: string | undefined;
  let version: string | undefined;
  let lastFailureAt = clock.now();
  let absentAnswers = 0;
  let everSynced = false;

  const setState = (phase: ReflectorPhase, reason?: ReflectorState['reason']): void => {
    const now = clock.now();
    const confirmedAt = phase === 'synced' || phase === 'no-crd' ? now : state.confirmedAt;
    state = {
      phase,
      since: phase === state.phase ? state.since : now,
      ...(confirmedAt === undefined ? {} : { confirmedAt }),
      ...(reason === undefined ? {} : { reason }),
    };
    options.onState(state);
  };

  const confirm = (): void => {
    absentAnswers = 0;
    // Each event confirms, but only a change of phase is news to anybody.
    if (state.phase === 'synced') state = { ...state, confirmedAt: clock.now() };
    else setState('synced');
  };

  const list = async (): Promise<void> => {
    const question = { client, clock, signal: stop.signal };
    version = await discoverVersion(question);
    const complete = await listProfiles(question, version, scope);
    if (stop.signal.aborted) return;
    if (complete.skipped > 0)
      log.warn('items of the list are not ClusterProfiles', { skipped: complete.skipped });
    await options.onReplace(complete.profiles, stop.signal);
    if (isStopped()) return;
    resourceVersion = complete.resourceVersion;
    everSynced = true;
    confirm();
  };

  const watch = async (from: string, servedVersion: string): Promise<void> => {
    const startedAt = clock.now();
    const stream = watchProfiles({
      client,
      version: servedVersion,
      scope,
      resourceVersion: from,
      timeoutSeconds: 300 + Math.floor(random() * 301),
      silenceMs,
      clock,
      signal: stop.signal,
    });
    for await (const event of stream) {
      if (stop.signal.aborted) return;
      if (event.kind === 'begun') {
        confirm();
        continue;
      }
      if (event.kind === 'skipped') {
        log.warn('an event of the watch is not about a ClusterProfile');
        continue;
      }
      if (event.kind === 'bookmark') resourceVersion = event.resourceVersion;
      else {
        resourceVersion = event.profile.resourceVersion;
        if (event.kind === 'upsert') options.onUpsert(event.profile);
        else options.onDelete(event.profile);
      }
      confirm();
    }
    // What is no ClusterProfile, or was said before, is nothing new: a hub that answers so would be asked without a pause.
    if (clock.now() - startedAt < shortestWatchMs && resourceVersion === from) {
      throw new CodedError('hub-unreachable', 'the hub ends each watch at once');
    }
  };

  /** How long to wait before the next attempt. */
  const handleFailure = async (thrown: unknown): Promise<number> => {
    const now = clock.now();
    if (now - lastFailureAt > quietResetMs) backoff.reset();
    lastFailureAt = now;
    const status = thrown instanceof HubAnswer ? thrown.status : undefined;
    if (status === 410) {
      // What is held stays until the next complete list (DI-21, DI-24).
      resourceVersion = undefined;
      return backoff.nextMs();
    }
    if (status === 404) {
      resourceVersion = undefined;
      absentAnswers++;
      if (everSynced && absentAnswers < 2) return backoff.nextMs();
      if (state.phase !== 'no-crd') log.info('the hub has no ClusterProfiles: the resource is not installed');
      everSynced = false;
      await options.onReplace([], stop.signal);
      setState('no-crd');
      return noCrdIntervalMs;
    }
    absentAnswers = 0;
    const reason = describeFailure(thrown, status);
    if (state.phase !== 'failing' || state.reason?.message !== reason.message)
      log.warn('the hub cannot be followed', { code: reason.code, reason: reason.message });
    setState('failing', reason);
    return backoff.nextMs();
  };

  const run = async (): Promise<void> => {
    while (!isStopped()) {
      try {
        if (resourceVersion === undefined || version === undefined) await list();
        else await watch(resourceVersion, version);
      } catch (thrown) {
        if (isStopped()) return;
        await sleep(clock, await handleFailure(thrown), stop.signal);
      }
    }
  };

  void run();
  return {
    state: () => state,
    close() {
      stop.abort();
    },
  };
}

function describeFailure(thrown: unknown, status: number | undefined): { code: ErrorCode; message: string } {
  if (status === 401)
    return { code: 'hub-refused', message: 'the hub does not accept the credential of the sidecar' };
  if (status === 403)
    return { code: 'hub-refused', message: 'the sidecar may not list ClusterProfiles here' };
  if (status !== undefined) return { code: 'hub-unreachable', message: `the hub answers ${String(status)}` };
  return thrown instanceof CodedError
    ? { code: thrown.code, message: thrown.message }
    : { code: 'internal-error', message: 'the hub cannot be followed for a reason that is a fault here' };
}
