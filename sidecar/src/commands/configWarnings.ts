import { type AccessPolicy, findUnboundProviders } from '../clusters/accessPolicy.ts';
import type { AuthMode } from '../config/options.ts';
import type { ProviderFile } from '../config/providerFile.ts';

/** What an operator should look at though the sidecar starts, each a sentence without its end (AC-02, AC-26). */
export function findConfigWarnings(
  { providers, disabled }: ProviderFile,
  policy: AccessPolicy,
  auth: AuthMode,
): string[] {
  const unbound = findUnboundProviders(
    policy,
    providers.map(({ name }) => name),
  );
  const consequence = policy.requireAllowedServers
    ? 'several namespaces are watched, so that its clusters are refused'
    : 'whoever may write a ClusterProfile decides where its credentials are sent';
  const { defaults, rules, labels } = policy.file;
  const modes = [defaults, ...rules, ...labels.map(({ narrow }) => narrow)].map(({ mode }) => mode);
  const needsUsers = modes.some((mode) => mode !== undefined && mode !== 'shared');
  return [
    ...(auth === 'none' && needsUsers
      ? ['the access policy lets users go as themselves, and with --auth=none nobody is known to go so']
      : []),
    ...(auth === 'trusted-headers' && modes.includes('passthrough')
      ? [
          'the access policy lets users go with tokens of their own, and with --auth=trusted-headers nobody has one',
        ]
      : []),
    ...disabled.map(
      ({ name, fault }) =>
        `the provider ${name === '' ? 'without a name' : `"${name}"`} is disabled: ${fault}`,
    ),
    ...unbound.map(
      (name) => `the access policy names no allowedServers for the provider "${name}": ${consequence}`,
    ),
  ];
}
