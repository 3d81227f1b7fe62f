import type { Clock } from '../foundation/clock.ts';
import type { CodedError, ErrorCode } from '../foundation/errors.ts';
import type { Log } from '../foundation/log.ts';
import { askPlugin } from './askPlugin.ts';
import type { CredentialSource, PluginInvocation } from './credential.ts';
import { buildInvocationKey } from './invocationKey.ts';
import { createKeptCredential } from './keptCredential.ts';
import type { CredentialState, KeptCredential } from './keptCredential.ts';
import type { Environment } from './pluginEnvironment.ts';
import { pluginError } from './pluginError.ts';
import type { RunLimits, RunPlugin } from './pluginProcess.ts';
import { createRunQueue } from './runQueue.ts';

export interface CredentialLimits extends RunLimits {
  /** Plugins that run at a time, over all clusters; as many of roots that have not answered yet (EX-30). */
  readonly maxConcurrent: number;
}

export const defaultCredentialLimits: CredentialLimits = {
  timeoutMs: 30_000,
  maxConcurrent: 8,
  maxStdoutBytes: 1024 * 1024,
  maxStderrBytes: 4 * 1024,
};

/** One run that was started (EX-32). */
export interface PluginRunEvent {
  readonly provider: string;
  readonly outcome: ErrorCode | 'ok';
  /** Without the time in the queue. */
  readonly durationMs: number;
}

export interface CredentialChange {
  readonly provider: string;
  readonly owner: string;
  readonly state: CredentialState;
}

export interface CredentialsOptions {
  readonly runPlugin: RunPlugin;
  /** What plugins inherit: the environment of this process (EX-02). */
  readonly environment: Environment;
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly log: Log;
  readonly limits?: Partial<CredentialLimits>;
  readonly onRun?: (event: PluginRunEvent) => void;
  /** A run ended or a credential was dropped. */
  readonly onChange?: (change: CredentialChange) => void;
}

/** A source that also tells what it knows, without running anything. */
export interface KeptCredentialSource extends CredentialSource {
  state(): CredentialState;
}

export interface Credentials {
  /**
   * Sources of equal invocations share one credential, for as long as one of them is open (EX-20). Runs nothing
   * (EX-31). Whoever replaces a source opens the new one before closing the old, so that what both share is kept.
   */
  sourceFor(invocation: PluginInvocation): KeptCredentialSource;
  /**
   * Ends the waits after failures (EX-28): those of one profile, of one provider, or all. For a change that an
   * operator made (the profile's access, the provider file), not for every heartbeat in a profile's status.
   */
  endBackoff(which?: { readonly owner?: string; readonly provider?: string }): void;
  /** What is known of each credential, without running anything. */
  states(): Iterable<Pick<CredentialChange, 'provider' | 'state'>>;
  /** Ends every run; resolves when all their processes are gone (FA-42). */
  close(): Promise<void>;
}

interface Entry {
  invocation: PluginInvocation;
  readonly kept: KeptCredential;
  users: number;
}

export function createCredentials(options: CredentialsOptions): Credentials {
  const { clock, random, log, onRun, onChange } = options;
  const limits: CredentialLimits = { ...defaultCredentialLimits, ...options.limits };
  const queue = createRunQueue(limits.maxConcurrent);
  /** A kubeconfig may have hundreds of contexts whose plugins hang: nobody else waits for these. */
  const unprovenRoots = createRunQueue(limits.maxConcurrent);
  const entries = new Map<string, Entry>();
  const runs = new Set<Promise<unknown>>();
  let isClosed = false;

  const createEntry = (invocation: PluginInvocation): Entry => {
    const { provider, owner } = invocation;
    const kept = createKeptCredential({
      provider,
      clock,
      random,
      ask: (signal, onStarted) => {
        const isUnproven = entry.invocation.isOfRoot === true && kept.state().lastSuccessAt === undefined;
        const run = (isUnproven ? unprovenRoots : queue).run(() => {
          onStarted();
          // The entry's own, and not the first one: a changed `installHint` makes no other entry.
          return askPlugin(entry.invocation, { ...options, limits }, signal);
        }, signal);
        runs.add(run);
        const forget = (): void => {
          runs.delete(run);
        };
        run.then(forget, forget);
        return run;
      },
      onRun: (outcome, durationMs) => {
        const cluster = entry.invocation.ownerName;
        const fields = { provider, cluster, owner, outcome, durationMs };
        if (outcome === 'ok') log.debug('credential plugin ran', fields);
        else if (outcome !== 'plugin-ended') log.warn('credential plugin failed', fields);
        onRun?.({ provider, outcome, durationMs });
      },
      onChange: () => onChange?.({ provider, owner, state: kept.state() }),
    });
    const entry: Entry = { invocation, kept, users: 0 };
    return entry;
  };

  return {
    sourceFor(invocation) {
      const key = buildInvocationKey(invocation);
      const entry = entries.get(key) ?? createEntry(invocation);
      if (isClosed) entry.kept.close();
      else entries.set(key, entry);
      entry.invocation = invocation;
      entry.users += 1;
      return createSource(entry, () => {
        entry.users -= 1;
        if (entry.users > 0) return;
        entries.delete(key);
        entry.kept.close();
      });
    },

    *states() {
      for (const { invocation, kept } of entries.values())
        yield { provider: invocation.provider, state: kept.state() };
    },

    endBackoff({ owner, provider } = {}) {
      for (const { invocation, kept } of entries.values()) {
        if (owner !== undefined && invocation.owner !== owner) continue;
        if (provider !== undefined && invocation.provider !== provider) continue;
        kept.endBackoff();
      }
    },

    async close() {
      isClosed = true;
      for (const { kept } of entries.values()) kept.close();
      entries.clear();
      await Promise.allSettled(runs);
    },
  };
}

/** One user's view of an entry: closing it fails its own waiting callers, whoever else uses the entry. */
function createSource({ kept, invocation }: Entry, onClose: () => void): KeptCredentialSource {
  const waiting = new Set<(error: CodedError) => void>();
  let isClosed = false;
  const ended = (): CodedError =>
    pluginError(
      'plugin-ended',
      invocation.provider,
      'the run of the plugin was ended because its cluster went away',
    );
  return {
    current: () => (isClosed ? undefined : kept.current()),
    get() {
      if (isClosed) return Promise.reject(ended());
      return new Promise((resolve, reject) => {
        waiting.add(reject);
        kept
          .get()
          .then(resolve, reject)
          .finally(() => waiting.delete(reject));
      });
    },
    reject(credential) {
      if (!isClosed) kept.reject(credential);
    },
    state: () => kept.state(),
    close() {
      if (isClosed) return;
      isClosed = true;
      for (const reject of waiting) reject(ended());
      waiting.clear();
      onClose();
    },
  };
}
