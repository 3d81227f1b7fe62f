import type { Credentials } from '../credentials/createCredentials.ts';
import { buildKubeconfigInvocation } from '../credentials/kubeconfigInvocation.ts';
import type { ExecUser } from '../inventory/hubCredential.ts';

/** A kubeconfig's own plugin proves the sidecar to the hub; it runs as the clusters' plugins do. */
export function createExecUser(credentials: Credentials): ExecUser {
  return (root, exec) => {
    const kept = credentials.sourceFor(buildKubeconfigInvocation(root, exec));
    let current: Awaited<ReturnType<typeof kept.get>> | undefined;
    return {
      async get() {
        current = await kept.get();
        return current;
      },
      renew() {
        if (current) kept.reject(current);
      },
    };
  };
}
