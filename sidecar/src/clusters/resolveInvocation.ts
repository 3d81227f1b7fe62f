import type { Provider } from '../config/providerFile.ts';
import type { ExecClusterInfo, PluginInvocation } from '../credentials/credential.ts';
import { CodedError } from '../foundation/errors.ts';
import { asArray, asRecord, isRecord, type UnknownRecord } from '../foundation/unknownValue.ts';

const execExtension = 'client.authentication.k8s.io/exec';
const argsExtension = 'clusterprofiles.multicluster.x-k8s.io/exec/additional-args';
const envsExtension = 'clusterprofiles.multicluster.x-k8s.io/exec/additional-envs';

/** Deeper extensions are refused before anything walks them (AC-35, TH-24). */
const maxExtensionDepth = 64;
const maxExtensionBytes = 512 * 1024;

/**
 * How the provider's plugin is run for this cluster (AC-30 to AC-36). Builds new arrays each time: the provider's own
 * are never changed (AC-34).
 * @throws CodedError `extension-invalid`
 */
export function resolveInvocation(
  provider: Provider,
  cluster: UnknownRecord,
  { owner, ownerName }: Pick<PluginInvocation, 'owner' | 'ownerName'>,
): PluginInvocation {
  const extensions = readExtensions(cluster);
  const info = provider.provideClusterInfo
    ? { cluster: buildClusterInfo(cluster, extensions.get(execExtension)) }
    : {};
  return {
    provider: provider.name,
    command: provider.command,
    args: [
      ...provider.args,
      ...(provider.argsPolicy === 'Append' ? decodeArgs(extensions.get(argsExtension)) : []),
    ],
    env: mergeEnv(
      provider,
      decodeEnvs(provider.envsPolicy === 'Ignore' ? undefined : extensions.get(envsExtension)),
    ),
    apiVersion: provider.apiVersion,
    ...info,
    ...(provider.installHint === undefined ? {} : { installHint: provider.installHint }),
    owner,
    ownerName,
  };
}

function readExtensions(cluster: UnknownRecord): Map<string, unknown> {
  const list = cluster['extensions'] ?? [];
  if (!Array.isArray(list))
    throw new CodedError('extension-invalid', 'The extensions of the access provider are not a list');
  const found = new Map<string, unknown>();
  for (const entry of asArray(list)) {
    const { name, extension } = asRecord(entry);
    if (typeof name === 'string' && [execExtension, argsExtension, envsExtension].includes(name)) {
      assertBounded(name, extension);
      found.set(name, extension);
    }
  }
  return found;
}

function assertBounded(name: string, extension: unknown): void {
  let level: unknown[] = [extension];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > maxExtensionDepth)
      throw new CodedError('extension-invalid', `The extension ${name} is nested too deeply`);
    level = level.flatMap((value): unknown[] =>
      typeof value === 'object' && value !== null ? Object.values(value) : [],
    );
  }
  if (extension !== undefined && JSON.stringify(extension).length > maxExtensionBytes) {
    throw new CodedError('extension-invalid', `The extension ${name} is too large`);
  }
}

function buildClusterInfo(cluster: UnknownRecord, config: unknown): ExecClusterInfo {
  if (config !== undefined && config !== null && !isRecord(config)) {
    throw new CodedError('extension-invalid', `The extension ${execExtension} is not an object`);
  }
  const text = (key: 'tls-server-name' | 'certificate-authority-data' | 'proxy-url'): object =>
    typeof cluster[key] === 'string' && cluster[key] !== '' ? { [key]: cluster[key] } : {};
  const flag = (key: 'insecure-skip-tls-verify' | 'disable-compression'): object =>
    cluster[key] === true ? { [key]: true } : {};
  return {
    server: String(cluster['server']),
    ...text('tls-server-name'),
    ...flag('insecure-skip-tls-verify'),
    ...text('certificate-authority-data'),
    ...text('proxy-url'),
    ...flag('disable-compression'),
    ...(config === undefined || config === null ? {} : { config }),
  };
}

function decodeArgs(value: unknown): readonly string[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || !value.every((each) => typeof each === 'string' && !each.includes('\0'))) {
    throw new CodedError('extension-invalid', `The extension ${argsExtension} is not a list of strings`);
  }
  return value as string[];
}

function decodeEnvs(value: unknown): readonly (readonly [string, string])[] {
  if (value === undefined || value === null) return [];
  if (!isRecord(value))
    throw new CodedError('extension-invalid', `The extension ${envsExtension} is not a map of strings`);
  return Object.entries(value).map(([name, text]) => {
    if (typeof text !== 'string' || name === '' || /[=\0]/.test(name) || text.includes('\0')) {
      throw new CodedError('extension-invalid', `The extension ${envsExtension} is not a map of strings`);
    }
    return [name, text] as const;
  });
}

/** What decides how a process is loaded or whom it talks to is never the profile's to set (AC-33). */
const reservedNames =
  /^(LD_.*|DYLD_.*|NODE_.*|PATH|HOME|KUBECONFIG|KUBERNETES_EXEC_INFO|(HTTPS?|ALL|NO|FTP)_PROXY)$/i;

function mergeEnv(
  provider: Provider,
  fromProfile: readonly (readonly [string, string])[],
): PluginInvocation['env'] {
  const own = new Set(provider.env.map(({ name }) => name));
  const added = fromProfile
    .filter(([name]) => !reservedNames.test(name) && (provider.envsPolicy === 'Replace' || !own.has(name)))
    .map(([name, value]) => ({ name, value }));
  return [...provider.env, ...added];
}
