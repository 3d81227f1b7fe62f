import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { findFreePort } from '../../parts/freePort.ts';
import type { Row, SuiteOptions } from '../suite.ts';
import { type CountedPlugin, writePlugin } from './callers.ts';
import { waitForClusters } from './config.ts';
import { type BenchSite, execApiVersion } from './site.ts';

const goodCount = 10;
const badCount = 490;

/**
 * Kubeconfigs of ten contexts that answer, and of 490 more that do not: half of the servers take the connection and say
 * nothing, half refuse it, and the plugin of each hangs.
 */
export async function measureContexts(site: BenchSite, { quick, tell }: SuiteOptions): Promise<Row[]> {
  const silent = await startSilentServer();
  try {
    const plugin = writePlugin(site.folder, 'hanging', 'exec sleep 600');
    const good = await createGoodContexts(site);
    const refusing = await findFreePort();
    const bad = Array.from({ length: badCount }, (_, index) =>
      buildBadContext(index, index % 2 === 0 ? silent.port : refusing, plugin),
    );
    const names = good.map(({ name }) => name).join(',');
    const variants = [
      { what: 'with ten contexts', contexts: good, extraArgs: [] },
      {
        what: 'with 500, of which --contexts names ten',
        contexts: [...bad, ...good],
        extraArgs: [`--contexts=${names}`],
      },
      { what: 'with 500, all watched', contexts: [...bad, ...good], extraArgs: [] },
    ];
    const rows: Row[] = [];
    let ofTen = Number.NaN;
    for (const { what, contexts, extraArgs } of variants) {
      const kubeconfigFile = join(site.folder, 'contexts.kubeconfig');
      writeFileSync(kubeconfigFile, buildKubeconfig(contexts));
      const times: number[] = [];
      const runsBefore = plugin.countRuns();
      for (let run = 0; run < (quick ? 2 : 5); run++) {
        const sidecar = await site.spawn({ kubeconfigFile, extraArgs });
        times.push(await waitForClusters(sidecar, goodCount));
        await sidecar.stop();
        tell(`${what}, run ${run + 1}`);
      }
      const ms = Math.min(...times);
      const runs = plugin.countRuns() - runsBefore;
      const isNarrowed = extraArgs.length > 0;
      if (contexts === good) ofTen = ms;
      rows.push({
        name: `a kubeconfig ${what}: until the clusters of the ten are in /config, and processes started for the others`,
        measured: `${(ms / 1000).toFixed(2)} s, ${runs}`,
        ...(contexts === good
          ? {}
          : {
              goal: {
                text: `as fast as with ten, give or take 0.2 s${isNarrowed ? ', and none' : ''}`,
                isMet: ms <= ofTen + 200 && (!isNarrowed || runs === 0),
              },
            }),
        values: { ms, runs },
      });
    }
    return rows;
  } finally {
    silent.close();
  }
}

interface Context {
  readonly name: string;
  readonly namespace: string;
  readonly cluster: object;
  readonly user: object;
}

/** One namespace of the hub each, with one profile. */
async function createGoodContexts(site: BenchSite): Promise<Context[]> {
  const { hub } = site;
  const contexts: Context[] = [];
  for (let index = 0; index < goodCount; index++) {
    const name = `good-${index}`;
    await site.createNamespace(name);
    await hub.createProfile({ name: 'one', namespace: name });
    contexts.push({
      name,
      namespace: name,
      cluster: { server: hub.url, 'certificate-authority-data': Buffer.from(hub.ca).toString('base64') },
      user: { token: hub.tokens['admin'] },
    });
  }
  return contexts;
}

function buildBadContext(index: number, port: number, { command }: CountedPlugin): Context {
  return {
    name: `bad-${index}`,
    namespace: 'default',
    cluster: { server: `https://127.0.0.1:${port}` },
    user: { exec: { apiVersion: execApiVersion, command, args: [String(index)], interactiveMode: 'Never' } },
  };
}

function buildKubeconfig(contexts: readonly Context[]): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: contexts.map(({ name, cluster }) => ({ name, cluster })),
    users: contexts.map(({ name, user }) => ({ name, user })),
    contexts: contexts.map(({ name, namespace }) => ({
      name,
      context: { cluster: name, user: name, namespace },
    })),
  });
}

/** Takes every connection and says nothing, as a firewall that swallows what is sent. */
async function startSilentServer(): Promise<{ readonly port: number; readonly close: () => void }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      for (const each of sockets) each.destroy();
    },
  };
}
