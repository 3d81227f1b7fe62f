import type { Credential, CredentialSource } from '../credentials/credential.ts';
import type { Credentials } from '../credentials/createCredentials.ts';
import { buildKubeconfigInvocation } from '../credentials/kubeconfigInvocation.ts';
import { asCodedError } from '../foundation/errors.ts';
import type { UnknownRecord } from '../foundation/unknownValue.ts';
import type { ExecUser } from '../inventory/hubCredential.ts';
import type { Root } from '../inventory/root.ts';

/** A kubeconfig's own plugin proves the sidecar to the hub; it runs as the clusters' plugins do. */
export function createExecUser(credentials: Credentials): ExecUser {
  return (root, exec) => {
    const source = openSource(credentials, root, exec);
    let current: Credential | undefined;
    return {
      async get() {
        current = await source.get();
        return current;
      },
      renew() {
        if (current) source.reject(current);
      },
      close() {
        source.close();
      },
    };
  };
}

/** A plugin that cannot be run is the fault of its root, and shows there; the other roots go on (DI-04). */
function openSource(credentials: Credentials, root: Root, exec: UnknownRecord): CredentialSource {
  try {
    return credentials.sourceFor(buildKubeconfigInvocation(root, exec));
  } catch (thrown) {
    return {
      get: () => Promise.reject(asCodedError(thrown)),
      current: () => undefined,
      reject: () => undefined,
      close: () => undefined,
    };
  }
}
