import { describe, expect, it } from 'vitest';
import type { AccessState, HealthState } from './inventoryTypes.ts';
import { describeAccess, describeHealth, isFailing, isHealthWorse } from './states.ts';

describe('states', () => {
  it.each<[HealthState, string, string]>([
    ['healthy', 'Healthy', 'success'],
    ['unhealthy', 'Unhealthy', 'error'],
    ['unknown', 'Unknown', 'warning'],
    ['not-reported', 'Not reported', 'neutral'],
  ])('UI-03: shows the health %s as %s (%s)', (state, word, severity) => {
    expect(describeHealth(state)).toEqual({ word, severity });
  });

  it.each<[AccessState, string, string]>([
    ['ready', 'Ready', 'success'],
    ['not-checked', 'Not checked', 'neutral'],
    ['no-provider', 'No provider', 'warning'],
    ['blocked', 'Blocked by policy', 'warning'],
    ['credential-failed', 'Credential failed', 'error'],
    ['unreachable', 'Unreachable', 'error'],
    ['credential-rejected', 'Credential rejected', 'error'],
    ['invalid', 'Invalid profile', 'error'],
    ['being-removed', 'Being removed', 'progress'],
  ])('UI-03: shows the access %s as %s (%s)', (state, word, severity) => {
    expect(describeAccess(state)).toEqual({ word, severity });
  });

  it.each(['view-only', 'constructor', '__proto__', 'toString'])(
    'shows the state %j, which it does not know, by its own name',
    (state) => {
      expect(describeAccess(state as AccessState)).toEqual({ word: state, severity: 'neutral' });
      expect(describeHealth(state as HealthState)).toEqual({ word: state, severity: 'neutral' });
    },
  );

  it.each<[HealthState, AccessState, 'health' | 'access']>([
    ['unhealthy', 'ready', 'health'],
    ['unhealthy', 'being-removed', 'health'],
    ['unhealthy', 'no-provider', 'health'],
    ['unknown', 'being-removed', 'health'],
    ['unknown', 'not-checked', 'health'],
    ['healthy', 'not-checked', 'access'],
    ['healthy', 'unreachable', 'access'],
    ['unknown', 'unreachable', 'access'],
  ])('UI-03: lets the worst hold: of %s and %s the %s', (health, access, worst) => {
    expect(isHealthWorse(health, access)).toBe(worst === 'health');
  });

  it.each<[HealthState, AccessState]>([
    ['unhealthy', 'unreachable'],
    ['unknown', 'blocked'],
    ['healthy', 'ready'],
    ['not-reported', 'ready'],
  ])('prefers access where %s is no worse than %s', (health, access) => {
    expect(isHealthWorse(health, access)).toBe(false);
  });

  it('takes warnings and errors for failures, and nothing else', () => {
    const severities = ['success', 'neutral', 'progress', 'warning', 'error'] as const;
    expect(severities.filter(isFailing)).toEqual(['warning', 'error']);
  });
});
