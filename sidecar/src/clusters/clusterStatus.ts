import type { CodedError, ErrorCode, Stage } from '../foundation/errors.ts';
import { errorDefinition } from '../foundation/errors.ts';

/** What the sidecar knows of the way to a cluster, in the words that people read (UI-03). */
export type AccessState =
  | 'ready'
  | 'not-checked'
  | 'no-provider'
  | 'invalid'
  | 'blocked'
  | 'credential-failed'
  | 'unreachable'
  | 'credential-rejected'
  | 'impersonation-refused'
  | 'being-removed';

export interface ClusterStatus {
  readonly state: AccessState;
  /** Since when this state holds, milliseconds since the epoch. */
  readonly since: number;
  readonly stage?: Stage;
  readonly code?: ErrorCode;
  /** For everyone who may see the cluster. */
  readonly message?: string;
}

/** Whether what failed was refused by a rule rather than wrong in itself. */
const blockedCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'server-address-refused',
  'server-not-https',
  'insecure-refused',
  'proxy-url-refused',
  'server-not-allowed',
  'policy-refused',
]);

const statesByCode: Partial<Record<ErrorCode, AccessState>> = {
  'profile-being-removed': 'being-removed',
  'no-access-provider': 'no-provider',
  'no-matching-provider': 'no-provider',
  'plugin-credential-rejected': 'credential-rejected',
};

const statesByStage: Readonly<Record<Stage, AccessState>> = {
  profile: 'invalid',
  access: 'invalid',
  credential: 'credential-failed',
  connection: 'unreachable',
  api: 'unreachable',
  permission: 'impersonation-refused',
};

/** The status that an error gives; undefined for an error that is not the cluster's. */
export function statusOfError(error: CodedError, now: number): ClusterStatus | undefined {
  const { stage } = errorDefinition(error.code);
  if (stage === undefined) return undefined;
  const state = statesByCode[error.code] ?? (blockedCodes.has(error.code) ? 'blocked' : statesByStage[stage]);
  return { state, since: now, stage, code: error.code, message: error.message };
}

/** The later status, with the earlier time where nothing changed. */
export function mergeStatus(before: ClusterStatus, after: ClusterStatus): ClusterStatus {
  const same = before.state === after.state && before.code === after.code && before.message === after.message;
  return same ? before : after;
}
