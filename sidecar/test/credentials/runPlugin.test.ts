import { readdirSync } from 'node:fs';
import { symlink } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { codedErrorOf } from '../support/codedErrorOf.ts';
import { until } from '../support/until.ts';
import { createFixture, isAlive, pluginFolder } from './runFixture.ts';
import type { Fixture } from './runFixture.ts';

let fixture: Fixture;
beforeEach(async () => {
  fixture = await createFixture();
});
afterEach(() => fixture.remove());

/** Every process of every recorded run, grandchildren too. */
const processes = (): readonly number[] =>
  fixture.records().flatMap(({ pid, grandchild }) => (grandchild === undefined ? [pid] : [pid, grandchild]));

describe('finding the command', () => {
  it('[EX-01] without a slash it is looked up on PATH', async () => {
    await symlink(join(pluginFolder, 'plugin.mjs'), join(fixture.folder, 'my-plugin'));
    const { stdout } = await fixture.run({
      plugin: { command: 'my-plugin', args: ['one', 'two words'] },
      searchPath: `relative::${join(fixture.folder, 'nothing')}:${fixture.folder}`,
    });
    expect(Buffer.from(stdout).toString()).toContain('a-token');
    expect(fixture.records()[0]?.args).toEqual(['one', 'two words']);
  });

  it('[EX-01] that is the PATH of this process, not the one for the plugin', async () => {
    await symlink(join(pluginFolder, 'plugin.mjs'), join(fixture.folder, 'my-plugin'));
    const env = { PATH: `${fixture.folder}:${fixture.path}` };
    const error = await codedErrorOf(() => fixture.run({ plugin: { command: 'my-plugin' }, env }));
    expect(error.code).toBe('plugin-not-found');
  });

  it('[EX-01] no entry of it that is not absolute counts, as in Go', async () => {
    await symlink(join(pluginFolder, 'plugin.mjs'), join(fixture.folder, 'my-plugin'));
    const searchPath = relative(process.cwd(), fixture.folder);
    const error = await codedErrorOf(() => fixture.run({ plugin: { command: 'my-plugin' }, searchPath }));
    expect(error.code).toBe('plugin-not-found');
  });

  it('[EX-01] with a slash it runs from where it says, relative to the working directory', async () => {
    const command = relative(process.cwd(), join(pluginFolder, 'plugin.mjs'));
    expect(command).toContain('/');
    await fixture.run({ plugin: { command: command.startsWith('.') ? command : `./${command}` } });
    expect(fixture.records()).toHaveLength(1);
  });

  it('[EX-01] no shell ever reads the command or its arguments', async () => {
    const args = [
      '$(touch pwned)',
      '; touch pwned',
      '`touch pwned`',
      '*',
      '$HOME',
      '{{ .Name }}',
      '$(NAME)',
      '',
    ];
    await fixture.run({ plugin: { args } });
    expect(fixture.records()[0]?.args).toEqual(args);
    const error = await codedErrorOf(() =>
      fixture.run({ plugin: { command: `${join(pluginFolder, 'plugin.mjs')} one` } }),
    );
    expect(error.code).toBe('plugin-not-found');
  });

  it('[EX-01] a text without an interpreter line is not handed to a shell', async () => {
    const error = await codedErrorOf(() =>
      fixture.run({ plugin: { command: join(pluginFolder, 'bare-text') } }),
    );
    expect(error.code).toBe('plugin-not-executable');
    expect(error.message).toContain('interpreter');
  });

  it.each([
    'no-such-plugin',
    '/nowhere/no-such-plugin',
    './no-such-plugin',
    `${pluginFolder}plugin.mjs/no-such-plugin`,
  ])(
    '[EX-11, FA-22] not found: the hint is part of the message, as text, and no path is (%s)',
    async (command) => {
      const installHint = 'Get it with <b>$(install)</b>\nfrom the shelf';
      const error = await codedErrorOf(() => fixture.run({ plugin: { command, installHint } }));
      expect(error.code).toBe('plugin-not-found');
      expect(error.message).toBe(
        `Provider "example": its command "no-such-plugin" is not installed here. ${installHint}`,
      );
    },
  );

  it.each(['not-executable', '.'])('[EX-11, FA-22] not executable: another message (%s)', async (name) => {
    const error = await codedErrorOf(() =>
      fixture.run({ plugin: { command: join(pluginFolder, name), installHint: 'Get it' } }),
    );
    expect(error.code).toBe('plugin-not-executable');
    expect(error.message).not.toContain('Get it');
    expect(error.message).not.toContain(pluginFolder);
  });

  it('[EX-11] an interpreter that is not there is not the plugin that is not there', async () => {
    const error = await codedErrorOf(() =>
      fixture.run({ plugin: { command: join(pluginFolder, 'missing-interpreter') } }),
    );
    expect(error.code).toBe('plugin-not-started');
    expect(error.message).toContain('interpreter');
  });

  it.each([
    ['an argument with a zero byte', { args: ['CANARY\u0000'] }, 'zero byte'],
    ['an argument too long for the system', { args: ['CANARY'.repeat(50_000)] }, 'too large'],
    [
      'more arguments than the system takes',
      { args: Array.from({ length: 200 }, () => 'CANARY'.repeat(10_000)) },
      'too large',
    ],
  ])('what spawn throws is an error of that plugin: %s', async (_what, plugin, words) => {
    const error = await codedErrorOf(() => fixture.run({ plugin }));
    expect(error.code).toBe('plugin-not-started');
    expect(error.message).toContain(words);
    expect(inspect(error, { depth: 10 })).not.toContain('CANARY');
  });

  it('what spawn throws for the environment is an error of that plugin, and quotes none of it', async () => {
    const error = await codedErrorOf(() => fixture.run({ env: { SOME: 'CANARY\u0000' } }));
    expect(error.code).toBe('plugin-not-started');
    expect(inspect(error, { depth: 10 })).not.toContain('CANARY');
  });
});

describe('running', () => {
  it('[EX-06, TH-30] a plugin that reads stdin gets end-of-file', async () => {
    await fixture.run({ env: { PLUGIN_STDIN: 'read' } });
    expect(fixture.records()[0]?.stdin).toBe('');
  });

  it('[EX-10] names the exit code', async () => {
    const error = await codedErrorOf(() =>
      fixture.run({ env: { PLUGIN_EXIT: '42', PLUGIN_STDERR: 'no such Secret\n', PLUGIN_STDOUT: 'CANARY' } }),
    );
    expect(error.code).toBe('plugin-exited');
    expect(error.message).toBe('Provider "example": the plugin exited with code 42');
    expect(error.diagnosis).toBe('no such Secret\n');
    expect(inspect(error, { depth: 10 })).not.toContain('CANARY');
  });

  it.each(['SIGKILL', 'SIGTERM', 'SIGSEGV'])('[EX-10] names the signal %s', async (name) => {
    const error = await codedErrorOf(() => fixture.run({ env: { PLUGIN_KILL: name } }));
    expect(error.code).toBe('plugin-killed');
    expect(error.message).toBe(`Provider "example": the plugin was ended by ${name}`);
  });

  it('[EX-15] takes 1 MiB on stdout and not a byte more', async () => {
    const limits = { maxStdoutBytes: 100_000 };
    const fitting = await fixture.run({ limits, env: { PLUGIN_STDOUT: 'x'.repeat(100_000) } });
    expect(fitting.stdout).toHaveLength(100_000);
    const error = await codedErrorOf(() =>
      fixture.run({ limits, env: { PLUGIN_STDOUT: 'x'.repeat(100_001) } }),
    );
    expect(error.code).toBe('plugin-output-too-large');
    expect(error.message).toContain('100000 bytes');
  });

  it.each([
    ['stdout', '1', 'plugin-output-too-large'],
    ['stderr', '2', 'plugin-timeout'],
  ])('[EX-15, TH-30] endless %s is bounded, and its writer is gone', async (_stream, fd, code) => {
    const before = process.memoryUsage().rss;
    const error = await codedErrorOf(() =>
      fixture.run({ env: { PLUGIN_FLOOD: fd, PLUGIN_IGNORE_TERM: 'yes' }, limits: { timeoutMs: 3000 } }),
    );
    expect(error.code).toBe(code);
    expect(error.diagnosis?.length).toBeLessThanOrEqual(4096);
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024);
    expect(processes()).toHaveLength(1);
    await until('the plugin is gone', () => !processes().some(isAlive));
  });

  it('[EX-15] keeps the last 4 KiB of stderr, redacted', async () => {
    const lines = Array.from(
      { length: 400 },
      (_, index) => `line ${index}: token=CANARY${index} of DB words\n`,
    ).join('');
    const error = await codedErrorOf(() =>
      fixture.run({ env: { PLUGIN_EXIT: '1', PLUGIN_STDERR: lines, DB_PASSWORD: 'DB words' } }),
    );
    const diagnosis = error.diagnosis ?? '';
    expect(Buffer.byteLength(diagnosis)).toBeLessThanOrEqual(4096);
    expect(Buffer.byteLength(diagnosis)).toBeGreaterThan(4000);
    expect(diagnosis).toContain('line 399: token=[redacted] of [redacted]\n');
    expect(error.message).not.toContain('line');
    expect(inspect(error, { depth: 10 })).not.toContain('CANARY');
  });

  it('leaves no descriptor behind', async () => {
    const open = (): number => readdirSync('/proc/self/fd').length;
    await fixture.run();
    const before = open();
    for (let round = 0; round < 5; round += 1) {
      await fixture.run({ env: { PLUGIN_GRANDCHILD: 'yes' } });
      await codedErrorOf(() => fixture.run({ plugin: { command: './no-such-plugin' } }));
      await codedErrorOf(() => fixture.run({ plugin: { args: ['\u0000'] } }));
    }
    await until('descriptors are back', () => open() <= before);
  });
});

describe('ending', () => {
  const stubborn = { PLUGIN_HANG: 'yes', PLUGIN_IGNORE_TERM: 'yes', PLUGIN_GRANDCHILD: 'yes' };

  it.each([
    ['hangs', { PLUGIN_HANG: 'yes' }],
    ['hangs, ignores SIGTERM and has a grandchild that does the same and holds stdout', stubborn],
  ])('[EX-29, TH-30] a plugin that %s is ended at its limit, with its whole group', async (_how, env) => {
    const error = await codedErrorOf(() => fixture.run({ env, limits: { timeoutMs: 1500 } }));
    expect(error.code).toBe('plugin-timeout');
    expect(error.message).toBe('Provider "example": the plugin did not answer within 1.5 s');
    expect(processes()).toHaveLength(env === stubborn ? 2 : 1);
    await until('the whole group is gone', () => !processes().some(isAlive));
  });

  it('[EX-29] a grandchild that holds stdout does not keep the answer of a plugin that is done', async () => {
    const { stdout } = await fixture.run({ env: { PLUGIN_GRANDCHILD: 'yes' } });
    expect(Buffer.from(stdout).toString()).toContain('a-token');
    expect(processes()).toHaveLength(2);
    await until('the whole group is gone', () => !processes().some(isAlive));
  });

  it('ends the group when its cluster goes away, and says why', async () => {
    const ending = new AbortController();
    const run = fixture.run({ env: stubborn, signal: ending.signal });
    const failed = expect(run).rejects.toThrow('gone');
    await until('the plugin runs', () => processes().length === 2);
    ending.abort(new Error('gone'));
    await failed;
    await until('the whole group is gone', () => !processes().some(isAlive));
    await expect(fixture.run({ signal: ending.signal })).rejects.toThrow('gone');
    expect(fixture.records()).toHaveLength(1);
  });
});
