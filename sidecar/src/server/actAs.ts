import type { LiveCluster } from '../clusters/liveCluster.ts';
import { CodedError } from '../foundation/errors.ts';
import type { Caller } from '../identity/gate.ts';
import { buildImpersonationHeaders } from '../identity/impersonate.ts';
import type { ForwardContext } from '../proxy/context.ts';
import type { HeaderPairs } from '../proxy/headerPairs.ts';

/** As whom: under `impersonate` never without an identity (ID-21), under `passthrough` as the user and nobody else. */
export function actAs(
  caller: Caller | undefined,
  { rules }: LiveCluster,
): Pick<ForwardContext, 'identityHeaders' | 'userCredential'> {
  const nobody: HeaderPairs = [];
  switch (rules.mode) {
    case 'shared':
      return { identityHeaders: nobody, userCredential: undefined };
    case 'impersonate':
      if (caller === undefined) throw new CodedError('identity-missing');
      return {
        identityHeaders: buildImpersonationHeaders(caller.actsAs, rules.users),
        userCredential: undefined,
      };
    case 'passthrough':
      // Who is known by a proxy's word has no token to go with (ID-02).
      if (caller?.token === undefined) throw new CodedError('identity-missing');
      if (caller.actsAs !== caller.user) throw new CodedError('impersonation-refused');
      return { identityHeaders: nobody, userCredential: { token: caller.token, connectionKey: '' } };
  }
}
