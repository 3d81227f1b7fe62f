import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createAudit } from '../../src/commands/createAudit.ts';
import { systemClock } from '../../src/foundation/clock.ts';
import { silentLog } from '../../src/foundation/log.ts';
import { codedErrorOf } from '../support/codedErrorOf.ts';
import { type FakeHub, startFakeHub } from '../support/fakeHub.ts';
import { startSidecar, type TestSidecar } from '../support/startSidecar.ts';
import { until } from '../support/until.ts';

type Line = Readonly<Record<string, unknown>>;

let folder = '';
let hub: FakeHub;
let sidecar: TestSidecar | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'audit-log-'));
  hub = await startFakeHub();
});

afterEach(async () => {
  await sidecar?.close();
  sidecar = undefined;
  await hub.close();
  await rm(folder, { recursive: true });
});

const read = async (name: string): Promise<readonly Line[]> =>
  (await readFile(join(folder, name), 'utf8').catch(() => ''))
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);

const start = async (...more: readonly string[]): Promise<TestSidecar> =>
  (sidecar = await startSidecar({ hub: { server: hub.root.server, user: { token: 't' } } }, ...more));

it('[ID-30, OP-12] a file of its own, in a whole sidecar: what is refused, and a file that changed', async () => {
  const path = join(folder, 'audit.log');
  const { port, folder: files } = await start(`--audit-log=${path}`);
  const ask = (): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}/clusters/cluster-inventory-none/version`);
  await ask();
  await until('the refusal is written', async () => (await read('audit.log')).length === 1);
  const providers = join(files, 'providers');
  await writeFile(providers, `${await readFile(providers, 'utf8')}\n`);
  await until('the change is written', async () => (await read('audit.log')).length === 2);
  expect(await read('audit.log')).toMatchObject([
    {
      event: 'request',
      code: 'cluster-unknown',
      decision: 'deny',
      cluster: { name: 'cluster-inventory-none' },
    },
    { event: 'config-changed', file: providers },
  ]);
  await writeFile(providers, 'no provider file');
  await rename(path, `${path}.1`);
  await until('a new file', async () => {
    await ask();
    return (await read('audit.log')).length > 0;
  });
  const all = [...(await read('audit.log.1')), ...(await read('audit.log'))];
  expect(all.filter(({ event }) => event === 'config-changed')).toHaveLength(1);
});

it('[ID-30] a changed access policy is in it', async () => {
  const path = join(folder, 'policy');
  const writePolicy = (defaults: object): Promise<void> =>
    writeFile(
      path,
      JSON.stringify({
        apiVersion: 'cluster-inventory.headlamp.dev/v1alpha1',
        kind: 'AccessPolicy',
        defaults,
      }),
    );
  await writePolicy({});
  await start(`--access-policy=${path}`, `--audit-log=${join(folder, 'audit.log')}`);
  await writePolicy({ readOnly: true });
  await until('the change is written', async () => (await read('audit.log')).length === 1);
  expect(await read('audit.log')).toMatchObject([{ event: 'config-changed', file: path }]);
});

it('[ID-30, OP-12] what waits is written before the process ends, also how many refusals were not', async () => {
  const { port } = await start(`--audit-log=${join(folder, 'audit.log')}`);
  const url = `http://127.0.0.1:${port}/clusters/cluster-inventory-none/version`;
  await Promise.all(Array.from({ length: 300 }, () => fetch(url)));
  await sidecar?.drain(0);
  const counts = (await read('audit.log')).map(({ event, count }) =>
    event === 'refusals-not-written' ? Number(count) : 1,
  );
  expect(counts.reduce((sum, count) => sum + count)).toBe(300);
  expect(counts.length).toBeLessThan(300);
});

it('[OP-12] a file that cannot be opened stops the start and is named', async () => {
  const path = join(folder, 'none', 'audit.log');
  const { code, message } = await codedErrorOf(() => start(`--audit-log=${path}`));
  expect([code, message]).toEqual(['options-invalid', `--audit-log: ${path} cannot be opened (ENOENT)`]);
});

it('[OP-12] without a file of its own it goes to where the log goes, as JSON whatever that one is', async () => {
  const stream = new PassThrough();
  const { audit, close } = await createAudit(
    { audit: 'writes', auditLog: '' },
    { clock: systemClock, log: silentLog, stream },
  );
  audit.note('config-changed', { file: 'f' });
  await close();
  expect(JSON.parse(String(stream.read()))).toMatchObject({ event: 'config-changed', file: 'f' });
  expect(stream.writable).toBe(true);
});
