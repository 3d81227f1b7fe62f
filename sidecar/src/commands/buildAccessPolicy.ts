import { type AccessPolicy, desktopAccessPolicy, podAccessPolicy } from '../clusters/accessPolicy.ts';
import { type AccessPolicyFile, emptyAccessPolicyFile } from '../config/accessPolicyFile.ts';
import type { Options } from '../config/options.ts';
import { kubeconfigFiles } from '../inventory/loadRoots.ts';

/** The policy file in its surroundings: what holds without it, and what it has to say (AC-26, ID-20). */
export function buildAccessPolicy(
  options: Pick<Options, 'kubeconfig' | 'contexts' | 'namespaces' | 'auth'>,
  environment: Readonly<Record<string, string | undefined>>,
  file: AccessPolicyFile = emptyAccessPolicyFile,
): AccessPolicy {
  const { kubeconfig, contexts, namespaces, auth } = options;
  const isInPod = kubeconfigFiles({ kubeconfig, contexts, environment }).length === 0;
  const policy = isInPod ? podAccessPolicy : desktopAccessPolicy;
  return {
    ...policy,
    // Where nobody is known there is nobody to act as; where users are known, each acts as themselves (ID-20).
    builtIn: { ...policy.builtIn, mode: auth === 'none' ? 'shared' : 'impersonate' },
    file,
    requireAllowedServers: namespaces === 'all' || (namespaces !== 'default' && namespaces.length > 1),
  };
}
