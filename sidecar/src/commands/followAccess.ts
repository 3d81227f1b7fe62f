import type { AccessPolicy } from '../clusters/accessPolicy.ts';
import type { Options } from '../config/options.ts';
import type { ProviderFile } from '../config/providerFile.ts';
import type { Clock } from '../foundation/clock.ts';
import type { Log } from '../foundation/log.ts';
import type { AuditLog } from '../telemetry/audit.ts';
import { buildAccessPolicy } from './buildAccessPolicy.ts';
import { accessPolicyAt, followConfigFile, providerFileAt } from './configFile.ts';
import { findConfigWarnings } from './configWarnings.ts';

export interface AccessFollower {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Log;
  readonly audit: AuditLog;
  readonly onProviders: (file: ProviderFile) => void;
  readonly onPolicy: (policy: AccessPolicy) => void;
}

export interface FollowedAccess {
  /** As they are now. */
  readonly providers: ProviderFile;
  readonly policy: AccessPolicy;
  end(): void;
}

/**
 * The two files that say how clusters may be reached, at start and when they change; their warnings are logged.
 * @throws CodedError `provider-file-invalid`, `access-policy-invalid` at start
 */
export async function followAccess(
  options: Options,
  { environment, clock, log, audit, onProviders, onPolicy }: AccessFollower,
): Promise<FollowedAccess> {
  let providers: ProviderFile;
  let policy: AccessPolicy;
  const warn = (): void => {
    for (const warning of findConfigWarnings(providers, policy, options.auth)) log.warn(warning);
  };
  const providerFile = await followConfigFile(providerFileAt(options.providerFile), {
    clock,
    log,
    onChange(content) {
      providers = content;
      audit.note('config-changed', { file: options.providerFile });
      warn();
      onProviders(content);
    },
  });
  providers = providerFile.content;
  const policyFile =
    options.accessPolicy === ''
      ? undefined
      : await followConfigFile(accessPolicyAt(options.accessPolicy), {
          clock,
          log,
          onChange(content) {
            policy = buildAccessPolicy(options, environment, content);
            audit.note('config-changed', { file: options.accessPolicy });
            warn();
            onPolicy(policy);
          },
        });
  policy = buildAccessPolicy(options, environment, policyFile?.content);
  warn();
  return {
    get providers() {
      return providers;
    },
    get policy() {
      return policy;
    },
    end() {
      providerFile.end();
      policyFile?.end();
    },
  };
}
