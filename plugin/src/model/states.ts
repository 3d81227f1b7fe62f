import type { AccessState, HealthState } from './inventoryTypes.ts';

export type Severity = 'success' | 'warning' | 'error' | 'neutral' | 'progress';

interface StateDescription {
  /** An English sentence or phrase: the key of its translations. */
  readonly word: string;
  readonly severity: Severity;
}

/** UI-03: what the inventory says. */
const HEALTH: Readonly<Record<HealthState, StateDescription>> = {
  healthy: { word: 'Healthy', severity: 'success' },
  unhealthy: { word: 'Unhealthy', severity: 'error' },
  unknown: { word: 'Unknown', severity: 'warning' },
  'not-reported': { word: 'Not reported', severity: 'neutral' },
};

/** UI-03: what the sidecar knows for this user. */
const ACCESS: Readonly<Record<AccessState, StateDescription>> = {
  ready: { word: 'Ready', severity: 'success' },
  'not-checked': { word: 'Not checked', severity: 'neutral' },
  'no-provider': { word: 'No provider', severity: 'warning' },
  blocked: { word: 'Blocked by policy', severity: 'warning' },
  'credential-failed': { word: 'Credential failed', severity: 'error' },
  unreachable: { word: 'Unreachable', severity: 'error' },
  'credential-rejected': { word: 'Credential rejected', severity: 'error' },
  'impersonation-refused': { word: 'Impersonation refused', severity: 'error' },
  invalid: { word: 'Invalid profile', severity: 'error' },
  'being-removed': { word: 'Being removed', severity: 'progress' },
};

/** A state that this version does not know yet is shown by its own name. */
export function describeHealth(state: HealthState): StateDescription {
  return find(HEALTH, state);
}

export function describeAccess(state: AccessState): StateDescription {
  return find(ACCESS, state);
}

function find(words: Readonly<Record<string, StateDescription>>, state: string): StateDescription {
  return (Object.hasOwn(words, state) ? words[state] : undefined) ?? { word: state, severity: 'neutral' };
}

const WEIGHT: Readonly<Record<Severity, number>> = {
  success: 0,
  neutral: 1,
  progress: 2,
  warning: 3,
  error: 4,
};

/** UI-03: where one word must do, the worst of the two holds; of equals, access. */
export function isHealthWorse(health: HealthState, access: AccessState): boolean {
  // A health that nobody reports says nothing about a cluster that answers.
  if (health === 'not-reported') return false;
  return WEIGHT[describeHealth(health).severity] > WEIGHT[describeAccess(access).severity];
}

export function isFailing(severity: Severity): boolean {
  return severity === 'warning' || severity === 'error';
}

export const STATE_WORDS: readonly string[] = [...Object.values(HEALTH), ...Object.values(ACCESS)].map(
  ({ word }) => word,
);
