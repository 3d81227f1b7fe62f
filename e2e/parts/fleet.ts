import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StaticUser } from './apiServer.ts';
import {
  buildFailingAccess,
  buildProviderFile,
  grantByKubeconfigSecretReader,
  grantBySecretReader,
} from './access.ts';
import { resolveBinaries, type Binaries } from './binaries.ts';
import { startEtcd } from './etcd.ts';
import { startHub, type AccessProvider, type Hub } from './hub.ts';
import { writeAuthenticationConfig, type OidcIssuer } from './oidcIssuer.ts';
import { silent, type Progress } from './progress.ts';
import { startSpoke, type Spoke } from './spoke.ts';
import { createTemporaryFolder } from './temporaryFolder.ts';

export interface FleetOptions {
  /** How many spokes; 3 if not told. */
  readonly spokes?: number;
  /** Where kubeconfigs, the provider file and `logs/` go; else a temporary folder that goes with the fleet. */
  readonly folder?: string;
  readonly binaries?: Binaries;
  readonly progress?: Progress;
  /** Without kwok the spokes have no Pods, and start faster. */
  readonly pods?: boolean;
  /** Whom the hub knows by static tokens; the spokes do not. */
  readonly users?: readonly StaticUser[];
  /** On the spokes the provider's user may impersonate and nothing else, so that a request without a user is a 403. */
  readonly impersonation?: boolean;
  /** Whose tokens the hub takes, and with `spokes` each spoke. */
  readonly oidc?: { readonly issuer: OidcIssuer; readonly spokes?: boolean };
}

/** How a spoke is reached: its ClusterProfile is published by `publish`. */
export type AccessKind = 'token' | 'certificate' | 'failing';

export interface Fleet {
  readonly hub: Hub;
  readonly spokes: readonly Spoke[];
  /** Of `users`, by name. */
  readonly tokens: Readonly<Record<string, string>>;
  readonly binaries: Binaries;
  readonly folder: string;
  readonly logFolder: string;
  /** `hub.kubeconfig`: context `hub`, admin. */
  readonly hubKubeconfigFile: string;
  /** `providers.json`, with the reference plugins. */
  readonly providerFile: string;
  /** Creates a ClusterProfile for a spoke and publishes the way to it. */
  publish(spoke: Spoke, options: PublishOptions): Promise<void>;
  /** Ends every process; returns when they are gone. */
  stop(): Promise<void>;
}

export interface PublishOptions {
  readonly access: AccessKind;
  /** Of the profile; the spoke's if not told. */
  readonly name?: string;
  readonly displayName?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** etcd, a hub with the ClusterProfile CRD, and spokes with running Pods, all started at once. */
export async function startFleet(options: FleetOptions = {}): Promise<Fleet> {
  const {
    spokes: spokeCount = 3,
    progress = silent,
    pods = true,
    users = [],
    impersonation = false,
    oidc,
  } = options;
  const binaries = options.binaries ?? (await resolveBinaries({ progress }));
  const ownFolder = options.folder === undefined ? createTemporaryFolder('fleet-') : undefined;
  const folder = options.folder ?? ownFolder?.path ?? '';
  const logFolder = join(folder, 'logs');
  const data = createTemporaryFolder('fleet-data-');
  const dataFolder = data.path;
  mkdirSync(logFolder, { recursive: true });
  const started: { stop(): Promise<void> }[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(started.splice(0).map((each) => each.stop()));
    data.remove();
    ownFolder?.remove();
  };
  try {
    progress('starting etcd');
    const etcd = await startEtcd({ binary: binaries.programs.etcd.path, dataFolder, logFolder });
    started.push(etcd);
    const names = Array.from({ length: spokeCount }, (_, index) => `spoke-${index + 1}`);
    const waiting = new Set(['hub', ...names]);
    const report = (): void => progress(`starting API servers: waiting for ${[...waiting].join(', ')}`);
    report();
    const ready = <T extends { readonly name: string; stop(): Promise<void> }>(part: T): T => {
      started.push(part);
      waiting.delete(part.name);
      if (waiting.size > 0) report();
      return part;
    };
    const common = { binary: binaries.programs['kube-apiserver'].path, etcd, dataFolder, logFolder };
    const kwok = { binary: binaries.programs.kwok.path, stagesFile: binaries.stagesFile };
    const oidcArgs = oidc
      ? writeAuthenticationConfig(join(dataFolder, 'authentication.yaml'), oidc.issuer)
      : [];
    const spokeOptions = {
      ...common,
      impersonation,
      extraArgs: oidc?.spokes ? oidcArgs : [],
      ...(pods ? { kwok } : {}),
    };
    const outcomes = await Promise.allSettled([
      startHub({ ...common, name: 'hub', crdFile: binaries.crdFile, users, extraArgs: oidcArgs }).then(ready),
      ...names.map(async (name) => ready(await startSpoke({ ...spokeOptions, name }))),
    ]);
    // All have to be settled first, or one that starts after the failure would be left running.
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed) throw failed.reason;
    const [hub, ...spokes] = outcomes.flatMap((outcome) =>
      outcome.status === 'fulfilled' ? [outcome.value] : [],
    ) as [Hub, ...Spoke[]];
    const write = (name: string, text: string): string => {
      const path = join(folder, name);
      writeFileSync(path, text, { mode: 0o600 });
      return path;
    };
    const hubKubeconfigFile = write('hub.kubeconfig', hub.kubeconfig);
    for (const spoke of spokes) write(`${spoke.name}.kubeconfig`, spoke.kubeconfig);
    const commands = {
      secretreader: binaries.programs.secretreader.path,
      'kubeconfig-secretreader': binaries.programs['kubeconfig-secretreader'].path,
    };
    const providerFile = write(
      'providers.json',
      `${JSON.stringify(buildProviderFile({ commands, hubKubeconfigFile }), null, 2)}\n`,
    );
    return {
      hub,
      spokes,
      tokens: Object.fromEntries(users.map(({ name }) => [name, hub.tokens[name] ?? ''])),
      binaries,
      folder,
      logFolder,
      hubKubeconfigFile,
      providerFile,
      publish: (spoke, publishOptions) => publish(hub, spoke, publishOptions),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function publish(
  hub: Hub,
  spoke: Spoke,
  { access, name = spoke.name, ...rest }: PublishOptions,
): Promise<void> {
  const grants: Record<AccessKind, () => Promise<AccessProvider> | AccessProvider> = {
    token: () => grantBySecretReader(hub, spoke),
    certificate: () => grantByKubeconfigSecretReader(hub, spoke),
    failing: () => buildFailingAccess(spoke),
  };
  const accessProviders = [await grants[access]()];
  await hub.createProfile({ name, ...rest });
  await hub.patchStatus(name, {
    accessProviders,
    version: { kubernetes: 'v1.36.3' },
    conditions: [
      {
        type: 'ControlPlaneHealthy',
        status: 'True',
        reason: 'Healthy',
        message: 'The API server answers',
        lastTransitionTime: new Date().toISOString(),
      },
    ],
  });
}
