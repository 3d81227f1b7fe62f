import { describe, expect, it } from 'vitest';
import { codedErrorOf } from '../../test/support/codedErrorOf.ts';
import { createManualClock } from '../../test/support/manualClock.ts';
import { CodedError } from '../foundation/errors.ts';
import type { Credential } from './credential.ts';
import { createKeptCredential } from './keptCredential.ts';

const token = (text: string, expiresAt?: number): Credential => ({
  token: text,
  connectionKey: '',
  ...(expiresAt === undefined ? {} : { expiresAt }),
});

/** Lets everything that is settled run its course. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A plugin that answers when it is told to, a manual clock, and the credential kept over both. */
function setUp({ random = 0 }: { random?: number } = {}) {
  const timers = createManualClock();
  let skewMs = 0;
  const clock = {
    now: () => timers.now() + skewMs,
    after: (delayMs: number, run: () => void) => timers.after(delayMs, run),
  };
  const pending: { resolve: (credential: Credential) => void; reject: (error: unknown) => void }[] = [];
  const outcomes: string[] = [];
  let runs = 0;
  let changes = 0;
  const kept = createKeptCredential({
    provider: 'example',
    clock,
    random: () => random,
    onRun: (outcome) => outcomes.push(outcome),
    onChange: () => (changes += 1),
    ask: (signal, onStarted) => {
      runs += 1;
      onStarted();
      return new Promise((resolve, reject) => {
        pending.push({ resolve, reject });
        signal.addEventListener('abort', () => {
          reject(signal.reason as Error);
        });
      });
    },
  });
  const plugin = {
    answer: async (credential: Credential): Promise<void> => {
      pending.shift()?.resolve(credential);
      await settle();
    },
    fail: async (message = 'exit 1'): Promise<void> => {
      pending.shift()?.reject(new CodedError('plugin-exited', message));
      await settle();
    },
  };
  /** A caller whose run gets this answer. */
  const getWith = async (credential: Credential): Promise<Credential> => {
    const caller = kept.get();
    await plugin.answer(credential);
    return caller;
  };
  const failWith = async (message?: string): Promise<CodedError> => {
    const caller = codedErrorOf(() => kept.get());
    await plugin.fail(message);
    return caller;
  };
  return {
    kept,
    plugin,
    getWith,
    failWith,
    outcomes,
    now: clock.now,
    advance: (ms: number) => {
      timers.advance(ms);
    },
    /** Moves the clock, and no timer with it. */
    skew: (ms: number) => (skewMs += ms),
    runs: () => runs,
    changes: () => changes,
    pendingTimers: () => timers.pending,
  };
}

describe('one run for all', () => {
  it('[EX-21, FA-21] N callers at once cause one run and share its answer', async () => {
    const { kept, plugin, runs } = setUp();
    const callers = Array.from({ length: 200 }, () => kept.get());
    await plugin.answer(token('a'));
    const answers = await Promise.all(callers);
    expect(new Set(answers)).toEqual(new Set([token('a')]));
    expect(runs()).toBe(1);
  });

  it('[EX-21] N callers share a failure, and no second run is made for it', async () => {
    const { kept, plugin, runs } = setUp();
    const callers = Array.from({ length: 20 }, () => codedErrorOf(() => kept.get()));
    await plugin.fail();
    expect(new Set(await Promise.all(callers)).size).toBe(1);
    expect(runs()).toBe(1);
  });
});

describe('expiry', () => {
  it('[EX-22] without an expiry it stays', async () => {
    const { kept, getWith, advance, runs } = setUp();
    await getWith(token('a'));
    advance(365 * 24 * 3600 * 1000);
    expect(await kept.get()).toEqual(token('a'));
    expect(runs()).toBe(1);
  });

  it.each([
    ['60 s ahead', 3600_000, 3540_000],
    ['a fifth of its life ahead, when that is shorter', 100_000, 80_000],
    ['a fifth of its life ahead at the border', 300_000, 240_000],
  ])('[EX-23] is renewed %s, while the old one serves', async (_when, lifeMs, renewAfterMs) => {
    const { kept, plugin, getWith, advance, now, runs } = setUp();
    const old = await getWith(token('old', now() + lifeMs));
    advance(renewAfterMs - 1);
    expect(await kept.get()).toBe(old);
    expect(runs()).toBe(1);
    advance(1);
    // The plugin has not answered yet: nobody waits for it, and one run is enough.
    expect(await kept.get()).toBe(old);
    expect(await kept.get()).toBe(old);
    expect(runs()).toBe(2);
    const fresh = token('fresh', now() + lifeMs);
    await plugin.answer(fresh);
    expect(await kept.get()).toBe(fresh);
    expect(runs()).toBe(2);
  });

  it('[EX-23, EX-31] nothing renews what nobody uses', async () => {
    const { kept, plugin, getWith, advance, now, runs, pendingTimers } = setUp();
    await getWith(token('old', now() + 3600_000));
    expect(pendingTimers()).toBe(0);
    advance(10 * 3600_000);
    await settle();
    expect(runs()).toBe(1);
    // And when it is used again, the expired one does not serve.
    const caller = kept.get();
    await plugin.answer(token('fresh'));
    expect(await caller).toEqual(token('fresh'));
  });

  it('[EX-23] who comes after the expiry waits for the renewal under way', async () => {
    const { kept, plugin, getWith, advance, now, runs } = setUp();
    await getWith(token('old', now() + 100_000));
    advance(99_999);
    expect(await kept.get()).toMatchObject({ token: 'old' });
    advance(1);
    const caller = kept.get();
    await plugin.answer(token('fresh'));
    expect(await caller).toEqual(token('fresh'));
    expect(runs()).toBe(2);
  });

  it.each([
    ['already expired', -3600_000],
    ['expiring at this instant', 0],
    ['with less than a second to live', 999],
  ])('[EX-24, FA-23] what arrives %s serves, and causes no loop of runs', async (_how, lifeMs) => {
    const { kept, plugin, getWith, advance, now, runs } = setUp();
    const answer = (): Credential => token(`run ${runs()}`, now() + lifeMs);
    expect(await getWith(answer())).toMatchObject({ token: 'run 0' });
    let callers = 0;
    // A minute of a busy dashboard: 10 requests a second.
    for (let tick = 0; tick < 600; tick += 1) {
      advance(100);
      const caller = kept.get();
      await plugin.answer(answer());
      await caller;
      callers += 1;
    }
    expect(callers).toBe(600);
    // 0 s, 1 s, 3 s, 7 s, 15 s, 31 s after the first.
    expect(runs()).toBe(6);
  });

  it('[EX-23, EX-31] what is held is there at once, and nothing runs where nothing is', async () => {
    const { kept, getWith, plugin, runs, now, advance } = setUp();
    expect(kept.current()).toBeUndefined();
    expect(runs()).toBe(0);
    const first = token('first', now() + 600_000);
    await getWith(first);
    expect(kept.current()).toBe(first);
    expect(runs()).toBe(1);
    // A renewal that is due begins, and nobody waits for it.
    advance(541_000);
    expect(kept.current()).toBe(first);
    expect(runs()).toBe(2);
    // At its end.
    advance(60_000);
    expect(kept.current()).toBeUndefined();
    const second = token('second');
    await plugin.answer(second);
    expect(kept.current()).toBe(second);
    kept.reject(second);
    expect(kept.current()).toBeUndefined();
    expect(runs()).toBe(2);
  });

  it('[EX-24] after its wait an expired one serves no more', async () => {
    const { kept, plugin, getWith, advance, now } = setUp();
    await getWith(token('expired', now() - 1));
    advance(1000);
    const caller = codedErrorOf(() => kept.get());
    await plugin.fail();
    expect((await caller).code).toBe('plugin-exited');
    // Nor during the wait of the failure.
    expect((await codedErrorOf(() => kept.get())).code).toBe('plugin-exited');
  });

  it('[EX-27, FA-20] a failed renewal keeps the old one that is still valid, and its failure waits', async () => {
    const { kept, plugin, getWith, advance, now, runs } = setUp();
    const old = await getWith(token('old', now() + 100_000));
    advance(80_000);
    expect(await kept.get()).toBe(old);
    await plugin.fail('no network');
    expect(kept.state()).toMatchObject({ isHeld: true, failure: { error: { message: 'no network' } } });
    for (let second = 0; second < 19; second += 1) {
      expect(await kept.get()).toBe(old);
      advance(1000);
      await plugin.fail('no network');
    }
    // 80 s, 81 s, 83 s, 87 s, 95 s
    expect(runs()).toBe(6);
    advance(1000);
    expect((await codedErrorOf(() => kept.get())).message).toBe('no network');
    expect(runs()).toBe(6);
  });
});

describe('back-off', () => {
  it('[EX-28, FA-20] waits 1 s, doubled to 60 s, and answers the same error in between', async () => {
    const { kept, failWith, advance, runs } = setUp();
    for (const [index, waitMs] of [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000].entries()) {
      const error = await failWith(`failure ${index}`);
      expect(error.message).toBe(`failure ${index}`);
      expect(kept.state().failure?.retryAt).toBe((kept.state().failure?.at ?? 0) + waitMs);
      advance(waitMs - 1);
      expect(await codedErrorOf(() => kept.get())).toBe(error);
      expect(runs()).toBe(index + 1);
      advance(1);
    }
  });

  it('[EX-28] jitter lengthens a wait, to 60 s at most', async () => {
    const { kept, failWith, advance } = setUp({ random: 0.999999 });
    const waits: number[] = [];
    for (let index = 0; index < 7; index += 1) {
      await failWith();
      const { at = 0, retryAt = 0 } = kept.state().failure ?? {};
      waits.push(Math.round((retryAt - at) / 1000));
      advance(retryAt - at);
    }
    expect(waits).toEqual([2, 4, 8, 16, 32, 60, 60]);
  });

  it('[EX-28] a success ends the doubling', async () => {
    const { kept, failWith, getWith, advance, now } = setUp();
    await failWith();
    advance(1000);
    await failWith();
    advance(2000);
    await getWith(token('a', now() + 10_000));
    expect(kept.state().failure).toBeUndefined();
    advance(10_000);
    await failWith();
    const { at = 0, retryAt = 0 } = kept.state().failure ?? {};
    expect(retryAt - at).toBe(1000);
  });

  it('[EX-28] a change of the profile or the provider file ends the wait and the doubling', async () => {
    const { kept, failWith, getWith, advance, runs } = setUp();
    await failWith();
    advance(1000);
    await failWith();
    expect(runs()).toBe(2);
    kept.endBackoff();
    await failWith();
    expect(runs()).toBe(3);
    advance(1000);
    expect(await getWith(token('a'))).toEqual(token('a'));
  });
});

describe('rejected by the cluster', () => {
  it('[EX-25, FA-33] is dropped and fetched again', async () => {
    const { kept, getWith, runs } = setUp();
    const old = await getWith(token('old'));
    kept.reject(old);
    expect(kept.state().isHeld).toBe(false);
    expect(await getWith(token('fresh'))).toEqual(token('fresh'));
    expect(runs()).toBe(2);
  });

  it('[EX-25] rejecting one that is no longer the current does nothing', async () => {
    const { kept, getWith, runs } = setUp();
    const old = await getWith(token('old'));
    kept.reject(old);
    const fresh = await getWith(token('fresh'));
    kept.reject(old);
    expect(await kept.get()).toBe(fresh);
    expect(runs()).toBe(2);
  });

  it('[EX-25] rejecting one that a renewal answered again drops it: the cluster sees no difference', async () => {
    const { kept, plugin, getWith, advance, now } = setUp();
    const first = await getWith(token('cached', now() + 100_000));
    advance(90_000);
    await kept.get();
    await plugin.answer(token('cached', now() + 100_000));
    kept.reject(first);
    expect(kept.state().isHeld).toBe(false);
  });

  it('[EX-25] the same token with another certificate is another credential', async () => {
    const { kept, getWith } = setUp();
    const old = await getWith({ token: 'a', connectionKey: 'certificate 1' });
    kept.reject({ token: 'a', connectionKey: 'certificate 2' });
    expect(kept.state().isHeld).toBe(true);
    kept.reject(old);
    expect(await getWith({ token: 'a', connectionKey: 'certificate 2' })).toMatchObject({
      connectionKey: 'certificate 2',
    });
  });

  it('[EX-25, EX-28] a plugin that answers the same again has failed: no run before the back-off ends', async () => {
    const { kept, plugin, getWith, advance, outcomes, runs } = setUp();
    const old = await getWith(token('old'));
    kept.reject(old);
    const caller = codedErrorOf(() => kept.get());
    await plugin.answer(token('old', 1));
    const error = await caller;
    expect(error.code).toBe('plugin-credential-rejected');
    expect(error.message).toContain('"example"');
    expect(outcomes).toEqual(['ok', 'plugin-credential-rejected']);
    advance(999);
    expect(await codedErrorOf(() => kept.get())).toBe(error);
    expect(runs()).toBe(2);
    // A late 401 of the old one changes nothing.
    kept.reject(old);
    advance(1);
    expect(await getWith(token('fresh'))).toEqual(token('fresh'));
  });

  it('[EX-25] after the back-off the same answer gets another try, and the waits go on doubling', async () => {
    const { kept, plugin, getWith, advance } = setUp();
    const waits: number[] = [];
    await getWith(token('static'));
    for (let round = 0; round < 4; round += 1) {
      kept.reject(token('static'));
      const caller = codedErrorOf(() => kept.get());
      await plugin.answer(token('static'));
      expect((await caller).code).toBe('plugin-credential-rejected');
      const { at = 0, retryAt = 0 } = kept.state().failure ?? {};
      waits.push(retryAt - at);
      advance(retryAt - at);
      expect(await getWith(token('static'))).toEqual(token('static'));
    }
    expect(waits).toEqual([1000, 2000, 4000, 8000]);
    // The cluster took it for a while: the next fault begins anew.
    advance(60_000);
    kept.reject(token('static'));
    const caller = codedErrorOf(() => kept.get());
    await plugin.answer(token('static'));
    await caller;
    const { at = 0, retryAt = 0 } = kept.state().failure ?? {};
    expect(retryAt - at).toBe(1000);
  });

  it('[EX-25] an answer from before the 401 says nothing: the plugin runs once more', async () => {
    const { kept, plugin, getWith, advance, now, runs, outcomes } = setUp();
    const old = await getWith(token('old', now() + 100_000));
    advance(90_000);
    await kept.get();
    kept.reject(old);
    const caller = kept.get();
    await plugin.answer(token('old', now() + 100_000));
    await plugin.answer(token('fresh'));
    expect(await caller).toEqual(token('fresh'));
    expect(runs()).toBe(3);
    expect(outcomes).toEqual(['ok', 'ok', 'ok']);
  });

  it('[EX-25] one that arrived expired is fetched again at once when the cluster refuses it', async () => {
    const { kept, getWith, now, runs } = setUp();
    const expired = await getWith(token('expired', now() - 1));
    kept.reject(expired);
    expect(await getWith(token('fresh'))).toEqual(token('fresh'));
    expect(runs()).toBe(2);
  });

  it('[EX-25, EX-28] rejected while a failed renewal waits: the wait stands', async () => {
    const { kept, plugin, getWith, advance, now, runs } = setUp();
    const old = await getWith(token('old', now() + 100_000));
    advance(80_000);
    await kept.get();
    await plugin.fail();
    kept.reject(old);
    expect((await codedErrorOf(() => kept.get())).code).toBe('plugin-exited');
    expect(runs()).toBe(2);
  });
});

describe('a clock that moves', () => {
  it('[FA-43] forward by an hour: one run, also when every answer then looks expired', async () => {
    const { kept, plugin, getWith, advance, now, skew, runs } = setUp();
    await getWith(token('old', now() + 1800_000));
    skew(3600_000);
    for (let tick = 0; tick < 600; tick += 1) {
      const caller = kept.get();
      await plugin.answer(token(`from the issuer ${tick}`, now() - 1800_000));
      await caller;
      advance(100);
    }
    expect(runs()).toBe(1 + 6);
  });

  it('[FA-43] does not end the wait of a failure, nor make it longer', async () => {
    const { kept, failWith, getWith, advance, skew, runs } = setUp();
    await failWith();
    skew(3600_000);
    expect((await codedErrorOf(() => kept.get())).code).toBe('plugin-exited');
    skew(-2 * 3600_000);
    expect((await codedErrorOf(() => kept.get())).code).toBe('plugin-exited');
    expect(runs()).toBe(1);
    advance(1000);
    expect(await getWith(token('a'))).toEqual(token('a'));
  });

  it('[FA-43] backward by an hour: nothing runs', async () => {
    const { kept, getWith, now, skew, runs } = setUp();
    const held = await getWith(token('a', now() + 1800_000));
    skew(-3600_000);
    for (let tick = 0; tick < 100; tick += 1) expect(await kept.get()).toBe(held);
    expect(runs()).toBe(1);
  });
});

describe('close', () => {
  it('fails who waits and who comes, ends the run, and leaves no timer', async () => {
    const { kept, failWith, advance, runs, pendingTimers, outcomes } = setUp();
    await failWith();
    advance(1000);
    const caller = codedErrorOf(() => kept.get());
    kept.close();
    expect((await caller).code).toBe('plugin-ended');
    expect((await codedErrorOf(() => kept.get())).code).toBe('plugin-ended');
    expect(runs()).toBe(2);
    expect(outcomes).toEqual(['plugin-exited', 'plugin-ended']);
    expect(pendingTimers()).toBe(0);
  });
});

describe('state', () => {
  it('tells what is known without running anything', async () => {
    const { kept, plugin, getWith, now, advance, runs, changes } = setUp();
    expect(kept.state()).toEqual({ isHeld: false, isRunning: false });
    expect(runs()).toBe(0);
    const caller = kept.get();
    expect(kept.state()).toEqual({ isHeld: false, isRunning: true });
    await plugin.answer(token('a', now() + 10_000));
    await caller;
    expect(kept.state()).toEqual({
      isHeld: true,
      isRunning: false,
      expiresAt: now() + 10_000,
      lastSuccessAt: now(),
    });
    expect(changes()).toBe(1);
    advance(10_000);
    expect(kept.state().isHeld).toBe(false);
    await getWith(token('b'));
    expect(kept.state()).toEqual({ isHeld: true, isRunning: false, lastSuccessAt: now() });
  });
});
