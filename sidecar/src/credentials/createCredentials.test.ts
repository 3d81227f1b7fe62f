import { describe, expect, it } from 'vitest';
import { codedErrorOf } from '../../test/support/codedErrorOf.ts';
import { createManualClock } from '../../test/support/manualClock.ts';
import { CodedError } from '../foundation/errors.ts';
import { silentLog } from '../foundation/log.ts';
import { createCredentials } from './createCredentials.ts';
import type { CredentialChange, PluginRunEvent } from './createCredentials.ts';
import type { PluginInvocation } from './credential.ts';
import type { PluginProcess, RunLimits, RunPlugin } from './pluginProcess.ts';

const invocation: PluginInvocation = {
  provider: 'example',
  command: 'plugin',
  args: ['get-token'],
  env: [{ name: 'MODE', value: 'test' }],
  apiVersion: 'client.authentication.k8s.io/v1',
  owner: 'uid-1',
  ownerName: 'store/hub/default/a',
};

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface FakeRun {
  readonly plugin: PluginProcess;
  readonly limits: RunLimits;
  readonly signal: AbortSignal;
  answer(token: string): Promise<void>;
  fail(code: 'plugin-exited'): Promise<void>;
}

function setUp(limits: { maxConcurrent?: number } = {}) {
  const clock = createManualClock();
  const runs: FakeRun[] = [];
  const events: PluginRunEvent[] = [];
  const changes: CredentialChange[] = [];
  const runPlugin: RunPlugin = (plugin, runLimits, signal) =>
    new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => {
        reject(signal.reason as Error);
      });
      runs.push({
        plugin,
        limits: runLimits,
        signal,
        async answer(token) {
          const answer = { apiVersion: invocation.apiVersion, kind: 'ExecCredential', status: { token } };
          resolve({ stdout: Buffer.from(JSON.stringify(answer)), diagnosis: '' });
          await settle();
        },
        async fail(code) {
          reject(new CodedError(code));
          await settle();
        },
      });
    });
  const warnings: object[] = [];
  const credentials = createCredentials({
    runPlugin,
    environment: { HOME: '/home/me' },
    clock,
    random: () => 0,
    log: { ...silentLog, warn: (message, fields) => void warnings.push({ message, ...fields }) },
    limits,
    onRun: (event) => events.push(event),
    onChange: (change) => changes.push(change),
  });
  const run = (index: number): FakeRun => {
    const found = runs[index];
    if (!found) throw new Error(`run ${index} was not started`);
    return found;
  };
  return { credentials, clock, runs, run, events, changes, warnings };
}

describe('createCredentials', () => {
  it('[EX-31] runs nothing before somebody asks', async () => {
    const { credentials, clock, runs } = setUp();
    const sources = Array.from({ length: 5000 }, (_, index) =>
      credentials.sourceFor({ ...invocation, owner: `uid-${index}` }),
    );
    clock.advance(3600_000);
    await settle();
    for (const source of sources) source.close();
    await settle();
    expect(runs).toHaveLength(0);
  });

  it('hands over what the plugin is given, with the limits as they stand by default', async () => {
    const { credentials, run } = setUp();
    const caller = credentials.sourceFor({ ...invocation, installHint: 'ask somebody' }).get();
    await settle();
    const { plugin, limits } = run(0);
    expect({ ...plugin, env: { ...plugin.env } }).toEqual({
      provider: 'example',
      command: 'plugin',
      args: ['get-token'],
      env: {
        HOME: '/home/me',
        MODE: 'test',
        KUBERNETES_EXEC_INFO:
          '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","spec":{"interactive":false}}',
      },
      installHint: 'ask somebody',
    });
    expect(limits).toMatchObject({ timeoutMs: 30_000, maxStdoutBytes: 1_048_576, maxStderrBytes: 4096 });
    await run(0).answer('a');
    expect(await caller).toMatchObject({ token: 'a' });
  });

  it('[EX-20] equal invocations share one credential; another profile has its own', async () => {
    const { credentials, runs, run } = setUp();
    const first = credentials.sourceFor(invocation);
    const second = credentials.sourceFor(structuredClone(invocation));
    const other = credentials.sourceFor({ ...invocation, owner: 'uid-2' });
    const callers = [first.get(), second.get(), other.get()];
    await settle();
    expect(runs).toHaveLength(2);
    await run(0).answer('shared');
    await run(1).answer('own');
    expect((await Promise.all(callers)).map(({ token }) => token)).toEqual(['shared', 'shared', 'own']);
  });

  it('[EX-20] the credential goes with its last source, and not before', async () => {
    const { credentials, runs, run } = setUp();
    const first = credentials.sourceFor(invocation);
    const caller = first.get();
    await settle();
    await run(0).answer('a');
    await caller;
    const second = credentials.sourceFor(invocation);
    first.close();
    first.close();
    expect(await second.get()).toMatchObject({ token: 'a' });
    expect([first.current(), second.current()]).toEqual([undefined, await second.get()]);
    second.close();
    const third = credentials.sourceFor(invocation);
    expect(third.state()).toEqual({ isHeld: false, isRunning: false });
    third.get().catch(() => undefined);
    await settle();
    expect(runs).toHaveLength(2);
  });

  it('[EX-21] a source that goes away does not end a run that another waits for', async () => {
    const { credentials, run } = setUp();
    const leaving = credentials.sourceFor(invocation);
    const staying = credentials.sourceFor(invocation);
    const left = codedErrorOf(() => leaving.get());
    const stayed = staying.get();
    await settle();
    leaving.close();
    expect((await left).code).toBe('plugin-ended');
    expect(run(0).signal.aborted).toBe(false);
    await run(0).answer('a');
    expect(await stayed).toMatchObject({ token: 'a' });
    expect((await codedErrorOf(() => leaving.get())).code).toBe('plugin-ended');
  });

  it('closing the last source ends the run under way and fails who waits', async () => {
    const { credentials, run, events } = setUp();
    const source = credentials.sourceFor(invocation);
    const caller = codedErrorOf(() => source.get());
    await settle();
    source.close();
    expect((await caller).code).toBe('plugin-ended');
    expect(run(0).signal.aborted).toBe(true);
    await settle();
    expect(events.map(({ outcome }) => outcome)).toEqual(['plugin-ended']);
  });

  it('[EX-30] runs at most so many plugins over all clusters, the others in order', async () => {
    const { credentials, runs, run } = setUp();
    const sources = Array.from({ length: 20 }, (_, index) =>
      credentials.sourceFor({ ...invocation, owner: `uid-${index}`, args: [String(index)] }),
    );
    const callers = sources.map((source) => source.get());
    await settle();
    expect(runs).toHaveLength(8);
    for (let index = 0; index < 20; index += 1) {
      await run(index).answer('a');
      expect(runs).toHaveLength(Math.min(index + 9, 20));
    }
    await Promise.all(callers);
    expect(runs.map(({ plugin }) => plugin.args[0])).toEqual(sources.map((_, index) => String(index)));
  });

  it('a cluster that goes away while it queues is never run, and is no run to count', async () => {
    const { credentials, runs, run, events } = setUp({ maxConcurrent: 1 });
    const first = credentials.sourceFor(invocation);
    const second = credentials.sourceFor({ ...invocation, owner: 'uid-2' });
    const caller = first.get();
    const queued = codedErrorOf(() => second.get());
    await settle();
    second.close();
    expect((await queued).code).toBe('plugin-ended');
    await run(0).answer('a');
    await caller;
    expect(runs).toHaveLength(1);
    expect(events.map(({ outcome }) => outcome)).toEqual(['ok']);
  });

  it('[EX-28] ends the waits of one profile, of one provider, or all', async () => {
    const { credentials, run, runs } = setUp();
    const sources = [
      credentials.sourceFor(invocation),
      credentials.sourceFor({ ...invocation, owner: 'uid-2' }),
      credentials.sourceFor({ ...invocation, owner: 'uid-3', provider: 'other' }),
    ];
    const askAll = async (): Promise<number[]> => {
      const before = runs.length;
      const callers = sources.map((source) => codedErrorOf(() => source.get()));
      await settle();
      const asked = runs.slice(before).map(({ plugin }) => (plugin.provider === 'other' ? 3 : 0));
      for (let index = before; index < runs.length; index += 1) await run(index).fail('plugin-exited');
      await Promise.all(callers);
      return asked;
    };
    expect(await askAll()).toEqual([0, 0, 3]);
    expect(await askAll()).toEqual([]);
    credentials.endBackoff({ owner: 'uid-2' });
    expect(await askAll()).toEqual([0]);
    credentials.endBackoff({ provider: 'other' });
    expect(await askAll()).toEqual([3]);
    credentials.endBackoff();
    expect(await askAll()).toEqual([0, 0, 3]);
  });

  it('[EX-28] a changed invocation has no wait', async () => {
    const { credentials, run, runs } = setUp();
    const caller = codedErrorOf(() => credentials.sourceFor(invocation).get());
    await settle();
    await run(0).fail('plugin-exited');
    await caller;
    credentials
      .sourceFor({ ...invocation, args: ['changed'] })
      .get()
      .catch(() => undefined);
    await settle();
    expect(runs).toHaveLength(2);
  });

  it('tells of every run and of every change', async () => {
    const { credentials, clock, run, events, changes } = setUp();
    const source = credentials.sourceFor(invocation);
    const caller = source.get();
    await settle();
    clock.advance(250);
    await run(0).answer('a');
    source.reject(await caller);
    const failing = codedErrorOf(() => source.get());
    await settle();
    await run(1).answer('a');
    await failing;
    expect(events).toEqual([
      { provider: 'example', outcome: 'ok', durationMs: 250 },
      { provider: 'example', outcome: 'plugin-credential-rejected', durationMs: 0 },
    ]);
    expect(changes.map(({ owner, state }) => [owner, state.isHeld, state.failure?.error.code])).toEqual([
      ['uid-1', true, undefined],
      ['uid-1', false, undefined],
      ['uid-1', false, 'plugin-credential-rejected'],
    ]);
  });

  it('[OP-12] names the cluster of a plugin that failed, for people', async () => {
    const { credentials, run, warnings } = setUp();
    const failing = codedErrorOf(() => credentials.sourceFor(invocation).get());
    await settle();
    await run(0).fail('plugin-exited');
    await failing;
    expect(warnings).toEqual([
      {
        message: 'credential plugin failed',
        provider: 'example',
        cluster: 'store/hub/default/a',
        owner: 'uid-1',
        outcome: 'plugin-exited',
        durationMs: 0,
      },
    ]);
  });

  it('[EX-08] runs nothing when the cluster information is too long', async () => {
    const { credentials, runs } = setUp();
    const cluster = { server: 'https://example.test', 'certificate-authority-data': 'A'.repeat(128 * 1024) };
    const error = await codedErrorOf(() => credentials.sourceFor({ ...invocation, cluster }).get());
    expect(error.code).toBe('plugin-exec-info-too-large');
    expect(runs).toHaveLength(0);
  });

  it('[AC-34] what one cluster is given never shows up in another, and nothing is changed in place', async () => {
    const { credentials, runs } = setUp();
    const sharedEnv = Object.freeze([Object.freeze({ name: 'SHARED', value: 'yes' })]);
    const build = (name: string): PluginInvocation =>
      Object.freeze({
        ...invocation,
        owner: name,
        args: Object.freeze(['get-token', name]),
        env: Object.freeze([...sharedEnv, Object.freeze({ name: name.toUpperCase(), value: name })]),
      });
    for (let round = 0; round < 2; round += 1) {
      for (const name of ['alpha', 'beta']) {
        const source = credentials.sourceFor(build(name));
        source.get().catch(() => undefined);
        await settle();
        source.close();
      }
    }
    expect(
      runs.map(({ plugin }) => [plugin.args, plugin.env['ALPHA'], plugin.env['BETA'], plugin.env['SHARED']]),
    ).toEqual([
      [['get-token', 'alpha'], 'alpha', undefined, 'yes'],
      [['get-token', 'beta'], undefined, 'beta', 'yes'],
      [['get-token', 'alpha'], 'alpha', undefined, 'yes'],
      [['get-token', 'beta'], undefined, 'beta', 'yes'],
    ]);
  });

  it('close ends every run and waits for it; nothing is run after that', async () => {
    const { credentials, runs } = setUp();
    const callers = ['uid-1', 'uid-2'].map((owner) =>
      codedErrorOf(() => credentials.sourceFor({ ...invocation, owner }).get()),
    );
    await settle();
    await credentials.close();
    expect(runs.map(({ signal }) => signal.aborted)).toEqual([true, true]);
    expect((await Promise.all(callers)).map(({ code }) => code)).toEqual(['plugin-ended', 'plugin-ended']);
    expect((await codedErrorOf(() => credentials.sourceFor(invocation).get())).code).toBe('plugin-ended');
    expect(runs).toHaveLength(2);
  });
});
