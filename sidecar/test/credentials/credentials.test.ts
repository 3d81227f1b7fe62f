import { inspect } from 'node:util';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCredentials } from '../../src/credentials/createCredentials.ts';
import type { Credentials, CredentialsOptions } from '../../src/credentials/createCredentials.ts';
import type { PluginInvocation } from '../../src/credentials/credential.ts';
import { createRunPlugin } from '../../src/credentials/runPlugin.ts';
import { systemClock } from '../../src/foundation/clock.ts';
import { createLog } from '../../src/foundation/log.ts';
import { codedErrorOf } from '../support/codedErrorOf.ts';
import { createSelfSignedPair } from '../support/selfSignedPair.ts';
import { until } from '../support/until.ts';
import { createFixture, isAlive, pluginFolder } from './runFixture.ts';
import type { Fixture } from './runFixture.ts';

let fixture: Fixture;
let credentials: Credentials;
/** Everything that leaves this part of the software, but for the credentials. */
let told: string[];

const start = (limits: CredentialsOptions['limits'] = {}): void => {
  const tell = (what: unknown): void => {
    told.push(inspect(what, { depth: 10 }));
  };
  credentials = createCredentials({
    runPlugin: createRunPlugin({ clock: systemClock, searchPath: fixture.path }),
    environment: {
      PATH: fixture.path,
      INHERITED: 'yes',
      FROM_PROVIDER: 'inherited',
      PLUGIN_LOG: fixture.logFile,
    },
    clock: systemClock,
    random: () => 0,
    log: createLog({ format: 'json', level: 'debug', write: tell, now: Date.now }),
    limits,
    onRun: tell,
    onChange: tell,
  });
};
beforeEach(async () => {
  told = [];
  fixture = await createFixture();
  start();
});
afterEach(async () => {
  await credentials.close();
  await fixture.remove();
});

const invoke = (
  env: Readonly<Record<string, string>>,
  rest: Partial<PluginInvocation> = {},
): PluginInvocation => ({
  provider: 'example',
  command: join(pluginFolder, 'plugin.mjs'),
  args: [],
  env: Object.entries(env).map(([name, value]) => ({ name, value })),
  apiVersion: 'client.authentication.k8s.io/v1',
  owner: 'uid-1',
  ownerName: 'store/hub/default/a',
  ...rest,
});
const alive = (): readonly number[] =>
  fixture
    .records()
    .flatMap(({ pid, grandchild }) =>
      [pid, ...(grandchild === undefined ? [] : [grandchild])].filter(isAlive),
    );

describe('a real plugin', () => {
  it('[EX-02, EX-03, EX-04] is told what it has to know', async () => {
    const cluster = {
      server: 'https://example.test/base',
      config: { clusterName: 'spoke', list: [1, null] },
    };
    const apiVersion = 'client.authentication.k8s.io/v1beta1';
    const env = { FROM_PROVIDER: 'the provider', KUBERNETES_EXEC_INFO: 'forged' };
    await credentials.sourceFor(invoke(env, { args: ['get'], apiVersion, cluster })).get();
    const [record] = fixture.records();
    expect(record?.args).toEqual(['get']);
    expect(record?.env).toEqual({ INHERITED: 'yes', FROM_PROVIDER: 'the provider' });
    expect(JSON.parse(record?.execInfo ?? '')).toEqual({
      apiVersion,
      kind: 'ExecCredential',
      spec: { interactive: false, cluster },
    });
  });

  it('answers a token and a certificate', async () => {
    const { certificate, key, digest } = createSelfSignedPair();
    const status = { token: 'a', clientCertificateData: certificate, clientKeyData: key };
    const credential = await credentials.sourceFor(invoke({ PLUGIN_STATUS: JSON.stringify(status) })).get();
    expect(credential).toEqual({
      token: 'a',
      clientCertificate: { certificate, key },
      connectionKey: digest,
    });
  });

  it('[EX-21, FA-21] is run once for 200 callers', async () => {
    const source = credentials.sourceFor(invoke({}));
    const answers = await Promise.all(Array.from({ length: 200 }, () => source.get()));
    expect(new Set(answers).size).toBe(1);
    expect(fixture.records()).toHaveLength(1);
  });

  it('[EX-28, FA-20] that fails is not run for each of its callers', async () => {
    const source = credentials.sourceFor(invoke({ PLUGIN_EXIT: '1', PLUGIN_STDERR: 'no such Secret' }));
    const error = await codedErrorOf(() => source.get());
    expect(error).toMatchObject({ code: 'plugin-exited', diagnosis: 'no such Secret' });
    for (let caller = 0; caller < 50; caller += 1) expect(await codedErrorOf(() => source.get())).toBe(error);
    expect(fixture.records()).toHaveLength(1);
  });

  it('[TH-30] that hangs takes nothing from the other clusters', async () => {
    const hanging = credentials.sourceFor(
      invoke(
        { PLUGIN_HANG: 'yes', PLUGIN_IGNORE_TERM: 'yes', PLUGIN_GRANDCHILD: 'yes' },
        { owner: 'uid-hanging' },
      ),
    );
    const callers = Array.from({ length: 5 }, () => codedErrorOf(() => hanging.get()));
    await until('it hangs', () => fixture.records().length === 1);
    expect(await credentials.sourceFor(invoke({})).get()).toMatchObject({ token: 'a-token' });
    expect(hanging.state().isRunning).toBe(true);
    hanging.close();
    for (const caller of callers) expect((await caller).code).toBe('plugin-ended');
    await until('no process is left', () => alive().length === 0);
    expect(fixture.records()).toHaveLength(2);
  });

  it('[EX-30] at most so many at a time', async () => {
    await credentials.close();
    start({ maxConcurrent: 2, timeoutMs: 20_000 });
    const sources = Array.from({ length: 4 }, (_, index) =>
      credentials.sourceFor(invoke({ PLUGIN_HANG: 'yes' }, { owner: `uid-${index}` })),
    );
    const callers = sources.map((source) => codedErrorOf(() => source.get()));
    await until('two run', () => fixture.records().length === 2);
    sources[0]?.close();
    await until('a third runs', () => fixture.records().length === 3);
    await until('the first is gone', () => alive().length === 2);
    await credentials.close();
    expect(alive()).toEqual([]);
    expect(fixture.records()).toHaveLength(3);
    for (const caller of callers) expect((await caller).code).toBe('plugin-ended');
  });

  it('close leaves no process of any run', async () => {
    for (const owner of ['uid-1', 'uid-2']) {
      const source = credentials.sourceFor(
        invoke({ PLUGIN_HANG: 'yes', PLUGIN_IGNORE_TERM: 'yes', PLUGIN_GRANDCHILD: 'yes' }, { owner }),
      );
      source.get().catch(() => undefined);
    }
    await until('both run', () => fixture.records().length === 2);
    await credentials.close();
    await until('no process is left', () => alive().length === 0);
  });

  const { key } = createSelfSignedPair();
  const other = createSelfSignedPair();
  it.each([
    [
      'a token with a line end',
      { PLUGIN_STATUS: JSON.stringify({ token: 'CANARY\r\nX-Injected: yes' }) },
      'plugin-token-invalid',
    ],
    ['HTML', { PLUGIN_STDOUT: '<html>CANARY</html>' }, 'plugin-output-invalid'],
    [
      'a token that is HTML',
      { PLUGIN_STATUS: JSON.stringify({ token: '<b>CANARY</b>' }) },
      'plugin-token-invalid',
    ],
    [
      'the key of another pair',
      {
        PLUGIN_STATUS: JSON.stringify({
          clientCertificateData: other.certificate,
          clientKeyData: `CANARY${key}`,
        }),
      },
      'plugin-certificate-invalid',
    ],
    [
      'its token on stderr too',
      { PLUGIN_STATUS: JSON.stringify({ token: 'CANARY words' }), PLUGIN_STDERR: 'answering CANARY words' },
      'plugin-token-invalid',
    ],
    ['a token and fails', { PLUGIN_STDERR: '{"token":"CANARY"}', PLUGIN_EXIT: '1' }, 'plugin-exited'],
  ])('[TH-31] that prints %s is refused, and nothing of it is told', async (_what, env, code) => {
    const error = await codedErrorOf(() => credentials.sourceFor(invoke(env)).get());
    expect(error.code).toBe(code);
    expect(told.length).toBeGreaterThan(1);
    expect(`${told.join('\n')}${inspect(error, { depth: 10 })}`).not.toContain('CANARY');
  });
});
