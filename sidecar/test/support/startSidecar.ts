import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { serve, type Sidecar } from '../../src/commands/serve.ts';
import { parseOptions } from '../../src/config/options.ts';
import { readOptionTexts } from '../../src/config/readOptionTexts.ts';
import { type Clock, systemClock } from '../../src/foundation/clock.ts';
import { type Log, silentLog } from '../../src/foundation/log.ts';

const apiVersion = 'client.authentication.k8s.io/v1';

/** A context of a kubeconfig: its hub, and the `user` by which it is reached. */
export interface TestContext {
  readonly server: string;
  readonly user: object;
}

/** A whole sidecar with files of its own, without sign-in; one provider `p`, whose plugin answers a token. */
export interface TestSidecar extends Sidecar {
  /** Where its files are. */
  readonly folder: string;
  writeKubeconfig(contexts: Readonly<Record<string, TestContext>>): Promise<void>;
  readyz(): Promise<{ readonly status: number; readonly text: string }>;
  close(): Promise<void>;
}

export function startSidecar(
  contexts: Readonly<Record<string, TestContext>>,
  ...more: readonly string[]
): Promise<TestSidecar> {
  return startSidecarWith({ contexts, args: more });
}

export interface SidecarParts {
  readonly contexts: Readonly<Record<string, TestContext>>;
  readonly args?: readonly string[];
  readonly clock?: Clock;
  readonly log?: Log;
  /** How the plugin of `p` is run, but for what is always so. */
  readonly exec?: object;
}

/** The same with more to say. Its provider file is `providers` in its folder. */
export async function startSidecarWith({
  contexts,
  args = [],
  clock = systemClock,
  log = silentLog,
  exec,
}: SidecarParts): Promise<TestSidecar> {
  const folder = await mkdtemp(join(tmpdir(), 'sidecar-'));
  const write = (name: string, value: object): Promise<void> =>
    writeFile(join(folder, name), JSON.stringify(value));
  const writeKubeconfig: TestSidecar['writeKubeconfig'] = (next) => {
    const entries = Object.entries(next);
    return write('kubeconfig', {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: entries.map(([name, { server }]) => ({ name, cluster: { server } })),
      users: entries.map(([name, { user }]) => ({ name, user })),
      contexts: entries.map(([name]) => ({ name, context: { cluster: name, user: name } })),
    });
  };
  await write('providers', providersWith(exec ?? { command: await writePlugin(folder, 'of-the-provider') }));
  await writeKubeconfig(contexts);
  const line = readOptionTexts(
    [
      `--cluster-inventory-provider-file=${join(folder, 'providers')}`,
      `--kubeconfig=${join(folder, 'kubeconfig')}`,
      '--auth=none',
      '--listen=127.0.0.1:0',
      '--admin-listen=127.0.0.1:0',
      ...args,
    ],
    {},
  );
  if (line.kind !== 'options') throw new Error('no options');
  const sidecar = await serve(parseOptions(line.texts, 'none'), {
    environment: { PATH: process.env['PATH'] },
    clock,
    random: () => 0.999,
    log,
    auditStream: new PassThrough().resume(),
  }).catch(async (thrown: unknown) => {
    await rm(folder, { recursive: true, force: true });
    throw thrown;
  });
  return {
    ...sidecar,
    folder,
    writeKubeconfig,
    async readyz() {
      const response = await fetch(`http://127.0.0.1:${sidecar.adminPort}/readyz?verbose`);
      return { status: response.status, text: await response.text() };
    },
    async close() {
      await sidecar.drain(0);
      await rm(folder, { recursive: true });
    },
  };
}

/** A provider file whose one provider is `p`. */
export function providersWith(exec: object): object {
  return { providers: [{ name: 'p', execConfig: { apiVersion, provideClusterInfo: true, ...exec } }] };
}

/** A credential plugin that answers this token. @returns its command */
export async function writePlugin(folder: string, token: string): Promise<string> {
  const command = join(folder, `plugin-${token}`);
  const credential = { apiVersion, kind: 'ExecCredential', status: { token } };
  await writeFile(command, `#!/bin/sh\necho '${JSON.stringify(credential)}'\n`);
  await chmod(command, 0o755);
  return command;
}
