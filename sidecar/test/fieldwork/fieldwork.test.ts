import { describe, expect, it } from 'vitest';
import { describeEach } from '../../src/api/describeClusters.ts';
import { podAccessPolicy } from '../../src/clusters/accessPolicy.ts';
import { decodeCertificates } from '../../src/clusters/certificates.ts';
import { buildClusterName } from '../../src/clusters/clusterName.ts';
import { createClusterConnections } from '../../src/clusters/connections.ts';
import { type ClusterRegistry, createClusterRegistry } from '../../src/clusters/registry.ts';
import type { AccessCandidate } from '../../src/clusters/resolveAccess.ts';
import { parseProviderFile, type ProviderFile } from '../../src/config/providerFile.ts';
import { createCredentials } from '../../src/credentials/createCredentials.ts';
import type { PluginProcess } from '../../src/credentials/pluginProcess.ts';
import { asRecord, asText } from '../../src/foundation/unknownValue.ts';
import { silentLog } from '../../src/foundation/log.ts';
import { decodeClusterProfile } from '../../src/inventory/clusterProfile.ts';
import { buildProfileKey } from '../../src/inventory/profileKey.ts';
import { codedErrorOf } from '../support/codedErrorOf.ts';
import { createManualClock } from '../support/manualClock.ts';
import { fingerprintOf, listFixtures, readFixture, readObjects } from './fixtureFiles.ts';
import { type Group, groups, type Outcome } from './profileTable.ts';
import { providerFiles } from './providerTable.ts';

const root = 'store/hub';

/** `<file>`, or `<file>#<n>` for the n-th provider file inside another configuration. */
function readProviderFile(name: string): ProviderFile {
  const [file = '', index] = name.split('#');
  if (index === undefined) return parseProviderFile(readFixture(`providers/${file}`));
  const [document = 0, ...keys] = providerFiles[file]?.inside?.[Number(index) - 1] ?? [];
  const providers = keys.reduce<unknown>(
    (value, key) => asRecord(value)[key],
    readObjects(`providers/${file}`)[document],
  );
  return parseProviderFile(JSON.stringify({ providers }));
}

/** Objects as a hub has them: with a UID. */
function readProfiles(file: string): { readonly key: string; readonly object: unknown }[] {
  return readObjects(`profiles/${file}`).map((value) => {
    const object = asRecord(value);
    const metadata = asRecord(object['metadata']);
    const [group = ''] = String(object['apiVersion']).split('/');
    const key = `${asText(metadata['namespace']) ?? group}/${asText(metadata['name']) ?? ''}`;
    return { key, object: { ...object, metadata: { ...metadata, uid: `uid of ${key}` } } };
  });
}

interface Sighting {
  readonly registry: ClusterRegistry;
  /** By their names, when they were opened. */
  readonly candidates: ReadonlyMap<string, AccessCandidate>;
  readonly runs: readonly PluginProcess[];
}

/** A registry with this file's objects and a plugin of which is kept what it was given. */
function load({ profiles, providers, widened }: Group): Sighting {
  const clock = createManualClock();
  const runs: PluginProcess[] = [];
  const candidates = new Map<string, AccessCandidate>();
  const credentials = createCredentials({
    runPlugin(plugin) {
      runs.push(plugin);
      const { apiVersion } = JSON.parse(plugin.env['KUBERNETES_EXEC_INFO'] ?? '') as { apiVersion: string };
      const answer = { apiVersion, kind: 'ExecCredential', status: { token: 'token' } };
      return Promise.resolve({ stdout: Buffer.from(JSON.stringify(answer)), diagnosis: '' });
    },
    environment: {},
    clock,
    random: () => 0,
    log: silentLog,
  });
  const registry = createClusterRegistry({
    policy: { ...podAccessPolicy, builtIn: { ...podAccessPolicy.builtIn, ...widened } },
    providers: readProviderFile(providers),
    now: () => clock.now(),
    openCluster(candidate, closed) {
      const { provider, connection, rules, invocation } = candidate;
      candidates.set(invocation.ownerName, candidate);
      const connections = createClusterConnections(connection);
      return {
        provider,
        rules,
        connection,
        closed,
        connections,
        credentials: credentials.sourceFor(invocation),
      };
    },
  });
  // Twice: what is built for one cluster adds up in no other, and not in itself (AC-34).
  for (let round = 0; round < 2; round++) {
    for (const { object } of readProfiles(profiles)) {
      const profile = decodeClusterProfile(object);
      if (!profile) continue;
      registry.upsert({ key: buildProfileKey(root, profile.namespace, profile.name), root, profile });
    }
  }
  return { registry, candidates, runs };
}

/** What came of an object, in the words of the table. */
async function observe(key: string, { registry, candidates, runs }: Sighting): Promise<unknown> {
  const [namespace = '', name = ''] = key.split('/');
  const entry = registry.get(buildClusterName(buildProfileKey(root, namespace, name)));
  if (!entry) return 'foreign';
  const [summary] = describeEach([entry], []);
  const { state, code, message } = summary?.access ?? {};
  const seen = {
    state,
    shownAs: summary?.displayName,
    health: summary?.health.state,
    ...(summary?.provider === undefined ? {} : { provider: summary.provider }),
  };
  if (state !== 'not-checked') return { ...seen, code, says: message };
  const runsBefore = runs.length;
  await entry.select();
  const run = runs[runsBefore];
  const connection = candidates.get(entry.key)?.connection;
  if (!run || !connection) throw new Error(`${key} was reached without its plugin`);
  const { KUBERNETES_EXEC_INFO: execInfo = '', ...env } = run.env;
  const { hostname, port, hostHeader, basePath, query, tls, proxy } = connection;
  return {
    ...seen,
    address: { hostname, port, hostHeader, basePath, query },
    trust: {
      anchors: tls.caData === undefined ? 'default' : decodeCertificates(tls.caData).map(fingerprintOf),
      serverName: tls.serverName,
      insecure: tls.insecureSkipVerify,
    },
    proxy,
    plugin: { command: run.command, args: run.args, env, execInfo: JSON.parse(execInfo) as unknown },
  };
}

/** What the table says, as `observe` would see it. */
function expectedOf(outcome: Outcome): unknown {
  if (outcome === 'foreign') return outcome;
  if (outcome.state !== 'not-checked')
    return { ...outcome, says: expect.stringContaining(outcome.says) as unknown };
  const { address, trust, plugin } = outcome;
  return {
    ...outcome,
    address: { basePath: '', query: '', ...address },
    trust: {
      anchors:
        trust.anchors === 'default'
          ? 'default'
          : trust.anchors.map((name) => fingerprintOf(readFixture(`pki/${name}.pem`))),
      serverName: trust.serverName,
      insecure: trust.insecure ?? false,
    },
    plugin: {
      command: plugin.command,
      args: plugin.args,
      env: plugin.env ?? {},
      execInfo: {
        apiVersion: `client.authentication.k8s.io/${plugin.apiVersion}`,
        kind: 'ExecCredential',
        spec: {
          interactive: false,
          ...(plugin.cluster === undefined ? {} : { cluster: plugin.cluster }),
        },
      },
    },
  };
}

describe('profiles and provider files of the field', () => {
  const named = (group: Group): string =>
    `[${group.rules}] ${group.profiles} with ${group.providers}${group.widened ? `, ${Object.keys(group.widened).join()}` : ''}`;

  it.each(groups.map((group) => [named(group), group] as const))('%s', async (_name, group) => {
    const sighting = load(group);
    for (const [key, outcome] of Object.entries(group.objects))
      expect(await observe(key, sighting), key).toEqual(expectedOf(outcome));
    // Those of the file and no other, each under a name of its own (DI-36).
    const objects = readProfiles(group.profiles).filter(({ key }) => group.objects[key] !== 'foreign');
    expect(new Set(sighting.registry.list().map(({ name }) => name)).size).toBe(objects.length);
    sighting.registry.close();
  });

  it('each object of each file is in the table, and nothing else', () => {
    expect([...new Set(groups.map(({ profiles }) => profiles))].sort()).toEqual(listFixtures('profiles'));
    for (const file of listFixtures('profiles')) {
      const stated = groups
        .filter(({ profiles }) => profiles === file)
        .flatMap(({ objects }) => Object.keys(objects));
      expect([...new Set(stated)].sort(), file).toEqual(
        readProfiles(file)
          .map(({ key }) => key)
          .sort(),
      );
    }
  });

  it('[DI-14, DI-27] a kind of another project is none of ours, in whatever namespace', () => {
    const foreign = readProfiles('14-foreign-kinds-same-name.yaml');
    for (const { object } of foreign) {
      const { metadata, ...rest } = asRecord(object);
      const placed = { ...rest, metadata: { ...asRecord(metadata), namespace: 'fleet-console' } };
      expect(decodeClusterProfile(placed)).toBeUndefined();
      expect(decodeClusterProfile({ ...placed, apiVersion: 'multicluster.x-k8s.io/v1alpha1' })).toMatchObject(
        { name: 'edge-01' },
      );
    }
  });
});

describe('provider files of the field', () => {
  it.each(Object.entries(providerFiles))('[AC-01, AC-02] %s', async (file, outcome) => {
    if (outcome.refused !== undefined) {
      const error = await codedErrorOf(() => parseProviderFile(readFixture(`providers/${file}`)));
      expect([error.code, error.message]).toEqual(['provider-file-invalid', outcome.refused]);
    }
    const names = outcome.inside?.map((_path, index) => `${file}#${index + 1}`) ?? [file];
    const parsed = outcome.refused !== undefined && !outcome.inside ? [] : names.map(readProviderFile);
    expect(
      parsed.flatMap(({ providers }) =>
        providers.map(({ name, command, args }) => [`${name}: ${command}`, ...args].join(' ')),
      ),
    ).toEqual(outcome.providers);
    expect(parsed.flatMap(({ disabled }) => disabled.map(({ name, fault }) => `${name}: ${fault}`))).toEqual(
      outcome.disabled ?? [],
    );
  });

  it('each file is in the table, and nothing else', () => {
    expect(Object.keys(providerFiles).sort()).toEqual(listFixtures('providers'));
  });

  it('[AC-02] an entry that cannot be used is the reason of the clusters that name it, with its field', () => {
    const file = readProviderFile('odd-entries.json');
    const registry = createClusterRegistry({
      policy: podAccessPolicy,
      providers: file,
      now: () => 0,
      openCluster: () => {
        throw new Error('not to be opened');
      },
    });
    for (const line of providerFiles['odd-entries.json']?.disabled ?? []) {
      const [name = '', ...fault] = line.split(': ');
      // The first of two with one name is usable.
      if (name === 'dup') continue;
      const profile = decodeClusterProfile({
        metadata: { name, namespace: 'fleet', uid: name },
        status: { accessProviders: [{ name, cluster: { server: 'https://spoke.example.com:6443' } }] },
      });
      if (!profile) throw new Error('not decoded');
      registry.upsert({ key: buildProfileKey(root, 'fleet', name), root, profile });
      const [summary] = describeEach(
        registry.list().filter((entry) => entry.profile.name === name),
        [],
      );
      expect(summary).toMatchObject({
        provider: name,
        access: { state: 'invalid', code: 'provider-disabled' },
      });
      expect(summary?.access.message).toContain(`"${name}" is configured with an error: ${fault.join(': ')}`);
    }
  });
});
