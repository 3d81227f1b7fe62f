import fc from 'fast-check';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { clusterFaults, type FaultyCluster, startFaultyCluster } from '../support/faultyCluster.ts';
import { readFuzzParameters } from '../support/fuzzParameters.ts';
import { openRawClient, parseAnswer } from '../support/rawClient.ts';
import { type SidecarProcess, startSidecarProcess } from '../support/sidecarProcess.ts';
import { clusterAt } from '../support/startProxy.ts';
import { until } from '../support/until.ts';

const names = ['a', 'b', 'c', 'steady'] as const;
const mebibyte = 1024 * 1024;
/** What is in the log of none that has a fault of its own. */
const ownFaults = /internal-error|a request failed|unhandled|uncaught|MaxListenersExceeded|\n {4}at /i;

let clusters: Record<(typeof names)[number], FaultyCluster>;
let sidecar: SidecarProcess;

beforeEach(async () => {
  const [a, b, c, steady] = await Promise.all([
    startFaultyCluster('a'),
    startFaultyCluster('b'),
    startFaultyCluster('c'),
    startFaultyCluster('steady'),
  ]);
  clusters = { a, b, c, steady };
  sidecar = await startSidecarProcess({
    clusters: Object.fromEntries(names.map((name) => [name, clusterAt(clusters[name])])),
  });
});

afterEach(async () => {
  await sidecar.close();
  await Promise.all(Object.values(clusters).map((cluster) => cluster.close()));
});

const step = fc.record({
  cluster: fc.constantFrom('a', 'b', 'c'),
  fault: fc.constantFrom(...clusterFaults),
  /** Clients that come now, each with what it sends and how long it stays. */
  clients: fc.array(
    fc.record({
      cluster: fc.constantFrom('a', 'b', 'c'),
      sends: fc.constantFrom(
        'a request',
        'a watch',
        'an upgrade',
        'a body',
        'half a head',
        'half a body',
        'two at once',
      ),
      staysMs: fc.nat({ max: 300 }),
      leaves: fc.constantFrom('reset', 'close', 'half'),
    }),
    { minLength: 1, maxLength: 6 },
  ),
});
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

function write(cluster: string, sends: Step['clients'][number]['sends']): string {
  const head = (method: string, rest: string, headers: readonly string[] = []): string =>
    [
      `${method} ${sidecar.pathOf(cluster)}${rest} HTTP/1.1`,
      `Host: 127.0.0.1:${sidecar.port}`,
      ...headers,
      '\r\n',
    ].join('\r\n');
  const texts = {
    'a request': () => head('GET', '/x'),
    'a watch': () => head('GET', '/api/v1/pods?watch=true'),
    'an upgrade': () => head('GET', '/x', ['Connection: Upgrade', 'Upgrade: websocket']),
    'a body': () => `${head('POST', '/x', ['Content-Length: 4'])}body`,
    'half a head': () => head('GET', '/x').slice(0, -10),
    'half a body': () => `${head('POST', '/x', ['Transfer-Encoding: chunked'])}10\r\npart`,
    'two at once': () => head('GET', '/x') + head('GET', '/y'),
  };
  return texts[sends]();
}

async function comeAndGo({ cluster, sends, staysMs, leaves }: Step['clients'][number]): Promise<string> {
  const client = await openRawClient(sidecar.port);
  client.send(write(cluster, sends));
  await wait(staysMs);
  if (leaves === 'reset') client.socket.resetAndDestroy();
  else if (leaves === 'half') client.socket.end();
  else client.socket.destroy();
  await wait(20);
  client.socket.destroy();
  return client.received;
}

async function ask(cluster: string): Promise<string> {
  const client = await openRawClient(sidecar.port);
  client.send(write(cluster, 'a request').replace('\r\nHost', '\r\nConnection: close\r\nHost'));
  const received = await client.waitForEnd();
  client.socket.destroy();
  return received.includes('\r\n\r\n') ? parseAnswer(received).body : (client.outcome ?? '');
}

async function run(steps: readonly Step[]): Promise<void> {
  const coming: Promise<string>[] = [];
  for (const { cluster, fault, clients } of steps) {
    clusters[cluster].fault = fault;
    coming.push(...clients.map(comeAndGo));
    // Whatever the others do.
    expect(await ask('steady')).toBe('steady');
    await wait(10);
  }
  for (const received of await Promise.all(coming)) expect(received).not.toContain('of nobody');
  for (const name of names) {
    clusters[name].fault = 'well';
    await until(`${name} answers`, async () => (await ask(name)) === name);
  }
}

it('[FA-45, PX-42] faults of clusters and clients by chance: nothing unhandled, nothing left behind', async () => {
  const { seed, numRuns } = readFuzzParameters('faults', 350);
  const steps = fc.sample(step, { seed, numRuns });
  const warmUp = Math.ceil(numRuns / 5);
  await run(steps.slice(0, warmUp));
  const before = await sidecar.hold();
  await run(steps.slice(warmUp));
  // A connection is kept for the next request, and no longer than half a minute.
  await until(
    'descriptors are flat',
    async () => (await sidecar.hold()).descriptors <= before.descriptors + 10,
    60_000,
  );
  expect((await sidecar.hold()).heapUsed - before.heapUsed).toBeLessThan(12 * mebibyte);
  expect(sidecar.ended).toBeUndefined();
  expect(sidecar.log).not.toMatch(ownFaults);
}, 300_000);
