import { describe, expect, it } from 'vitest';
import { desktopAccessPolicy, podAccessPolicy } from '../clusters/accessPolicy.ts';
import { buildAccessPolicy } from './buildAccessPolicy.ts';

const options = { kubeconfig: '', contexts: [], namespaces: 'default', auth: 'hub' } as const;
const desktop = { ...options, kubeconfig: 'x', auth: 'none' } as const;
const pod = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' };

describe('the access policy in its surroundings', () => {
  it('[ID-20, AC-25] a pod has the pod’s defaults, a kubeconfig the desktop’s', () => {
    expect(buildAccessPolicy(options, pod)).toEqual(podAccessPolicy);
    expect(buildAccessPolicy(desktop, pod)).toEqual(desktopAccessPolicy);
    expect(buildAccessPolicy({ ...desktop, kubeconfig: '' }, {})).toEqual(desktopAccessPolicy);
  });

  it.each([
    ['default', false],
    [['a'], false],
    [['a', 'b'], true],
    ['all', true],
  ] as const)('[AC-26] with the namespaces %j servers have to be named: %s', (namespaces, expected) => {
    expect(buildAccessPolicy({ ...options, namespaces }, pod).requireAllowedServers).toBe(expected);
  });
});
