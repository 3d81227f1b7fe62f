import { type CodedError, type ErrorCode, errorDefinition, type Stage } from '../foundation/errors.ts';

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
  /** For those who may use it: the end of the plugin's stderr, redacted (EX-15). */
  readonly diagnosis?: string;
}

/** How many of a cluster's last states are kept, the present one among them. */
const keptStates = 20;

/** Whether what failed was refused by a rule rather than wrong in itself. */
const blockedCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'server-address-refused',
  'server-not-https',
  'insecure-refused',
  'proxy-url-refused',
  'proxy-address-refused',
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
  const diagnosis = error.diagnosis ? { diagnosis: error.diagnosis } : {};
  return { state, since: now, stage, code: error.code, message: error.message, ...diagnosis };
}

/** A cluster's last states, the present one first. */
export type StatusHistory = readonly [ClusterStatus, ...ClusterStatus[]];

/** With the next state in front; the same again adds nothing, and its time stays. */
export function recordStatus(history: StatusHistory, next: ClusterStatus): StatusHistory {
  const [present, ...earlier] = history;
  const isSame =
    present.state === next.state && present.code === next.code && present.message === next.message;
  if (!isSame) return [next, ...history.slice(0, keptStates - 1)];
  // What the plugin wrote last explains the same failure best.
  return present.diagnosis === next.diagnosis ? history : [{ ...next, since: present.since }, ...earlier];
}
