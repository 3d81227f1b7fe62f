import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createCertificateAuthority } from '../../parts/certificates.ts';
import { startChild } from '../childProcess.ts';
import type { UpstreamQuestions } from '../processes/upstream.ts';
import { median, type Row, type SuiteOptions } from '../suite.ts';
import { waitForClusters } from './config.ts';
import { type BenchSite, buildProvider, execApiVersion, type MeasuredSidecar } from './site.ts';

const namespace = 'callers';

/** Many who need a cluster at once: one whose plugin answers after a second, and one whose plugin fails after two. */
export async function measureCallers(site: BenchSite, _options: SuiteOptions): Promise<Row[]> {
  const upstream = startChild<UpstreamQuestions>('upstream.ts');
  try {
    const authority = await createCertificateAuthority('bench');
    const { port } = await upstream.ask(
      'start',
      await authority.issueServer({ dns: [], ips: ['127.0.0.1'] }),
    );
    const cluster = {
      server: `https://127.0.0.1:${port}`,
      'certificate-authority-data': Buffer.from(authority.certificate).toString('base64'),
    };
    await site.createNamespace(namespace);
    for (const name of ['answering', 'failing']) {
      await site.hub.createProfile({ name, namespace });
      await site.hub.patchStatus(name, { accessProviders: [{ name, cluster }] }, namespace);
    }
    const credential = { apiVersion: execApiVersion, kind: 'ExecCredential', status: { token: 'bench' } };
    const answering = writePlugin(site.folder, 'answering', `sleep 1; echo '${JSON.stringify(credential)}'`);
    const failing = writePlugin(site.folder, 'failing', 'sleep 2; exit 1');
    const sidecar = await site.spawn({
      extraArgs: [`--cluster-inventory-namespaces=${namespace}`],
      providers: [buildProvider('answering', answering.command), buildProvider('failing', failing.command)],
    });
    await waitForClusters(sidecar, 2);
    const answered = await callAtOnce(sidecar, 'answering', 200, 200);
    const failed = await callAtOnce(sidecar, 'failing', 20, 502);
    await sidecar.stop();
    const seconds = (waits: readonly number[]): string => `${(median(waits) / 1000).toFixed(2)} s`;
    return [
      {
        name: 'plugin runs for 200 callers at once',
        measured: `${answering.countRuns()}; the plugin takes 1 s, the median caller waited ${seconds(answered)}`,
        goal: { text: '1', isMet: answering.countRuns() === 1 },
        values: { runs: answering.countRuns(), medianMs: median(answered) },
      },
      {
        name: 'plugin runs for 20 callers at once of a plugin that fails after 2 s',
        measured: `${failing.countRuns()}; waits: median ${seconds(failed)}, longest ${(Math.max(...failed) / 1000).toFixed(2)} s`,
        goal: {
          text: '1, and each waits 2 s',
          isMet: failing.countRuns() === 1 && Math.max(...failed) < 3_000,
        },
        values: { runs: failing.countRuns(), medianMs: median(failed), longestMs: Math.max(...failed) },
      },
    ];
  } finally {
    await upstream.end();
  }
}

export interface CountedPlugin {
  readonly command: string;
  countRuns(): number;
}

/** A plugin that notes each run before it does anything else. */
export function writePlugin(folder: string, name: string, script: string): CountedPlugin {
  const command = join(folder, `plugin-${name}`);
  const runs = join(folder, `plugin-${name}.runs`);
  writeFileSync(runs, '');
  writeFileSync(command, `#!/bin/sh\necho run >>'${runs}'\n${script}\n`);
  chmodSync(command, 0o755);
  return { command, countRuns: () => readFileSync(runs, 'utf8').split('\n').length - 1 };
}

/** @returns how long each waited, in milliseconds */
async function callAtOnce(
  { url }: MeasuredSidecar,
  profileName: string,
  callers: number,
  expectedStatus: number,
): Promise<number[]> {
  const response = await fetch(`${url}/cluster-inventory/v1/clusters`);
  const { clusters } = (await response.json()) as {
    readonly clusters: readonly { readonly name: string; readonly profileName: string }[];
  };
  const { name } = clusters.find((each) => each.profileName === profileName) ?? {};
  if (name === undefined) throw new Error(`${profileName} is not listed`);
  return Promise.all(
    Array.from({ length: callers }, async () => {
      const since = performance.now();
      const { status } = await fetch(`${url}/clusters/${name}/version`);
      if (status !== expectedStatus) throw new Error(`${profileName} answers ${status}`);
      return performance.now() - since;
    }),
  );
}
