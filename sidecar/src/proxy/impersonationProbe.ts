import { collectAnswer } from '../clusters/collectAnswer.ts';
import type { LiveCluster } from '../clusters/liveCluster.ts';
import { bearerOf } from '../credentials/bearerOf.ts';
import type { Credential } from '../credentials/credential.ts';
import type { Clock } from '../foundation/clock.ts';
import { CodedError } from '../foundation/errors.ts';
import { asRecord } from '../foundation/unknownValue.ts';
import { defaultProxyLimits } from './limits.ts';
import { joinTarget } from './upstreamRequest.ts';

/** Says why a cluster answers 403 to somebody who is impersonated; undefined where it is theirs to hear (ID-25). */
export type ExplainForbidden = (
  cluster: LiveCluster,
  credential: Credential,
) => Promise<CodedError | undefined>;

/** So that a page of refusals asks once; no longer, since a right that is withdrawn meanwhile would be the user's fault. */
const memoryMs = 2_000;
const timeoutMs = 5000;
const maxAnswerBytes = 64 * 1024;

/** Kubernetes 1.36 has a narrower verb beside the old one; either lets the provider act as users. */
const questions = [
  { verb: 'impersonate', group: '', resource: 'users' },
  { verb: 'impersonate:user-info', group: 'authentication.k8s.io', resource: 'users' },
] as const;

/**
 * Asks the cluster, as the provider, whether it may impersonate users at all: a 403 does not tell by itself whose fault
 * it is, and Headlamp would ask the user for a token. A no is not remembered: somebody is about to mend it.
 */
export function createExplainForbidden(clock: Clock): ExplainForbidden {
  const known = new WeakMap<LiveCluster, { readonly at: number; readonly answer: Promise<boolean> }>();

  const mayImpersonate = async (cluster: LiveCluster, credential: Credential): Promise<boolean> => {
    for (const resourceAttributes of questions) {
      if (await askAccess(cluster, credential, resourceAttributes, clock)) return true;
    }
    return false;
  };

  return async (cluster, credential) => {
    let entry = known.get(cluster);
    if (!entry || clock.now() - entry.at >= memoryMs) {
      // A probe that fails explains nothing: the 403 passes as it is.
      entry = { at: clock.now(), answer: mayImpersonate(cluster, credential).catch(() => true) };
      known.set(cluster, entry);
    }
    if (await entry.answer) return undefined;
    if (known.get(cluster) === entry) known.delete(cluster);
    return new CodedError(
      'provider-may-not-impersonate',
      `The cluster does not let the provider "${cluster.provider}" impersonate users`,
    );
  };
}

async function askAccess(
  { connection, connections }: LiveCluster,
  credential: Credential,
  resourceAttributes: (typeof questions)[number],
  clock: Clock,
): Promise<boolean> {
  const authorization = bearerOf(credential);
  const { head, body } = await collectAnswer(
    connections,
    credential,
    {
      method: 'POST',
      target: joinTarget(connection, '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'),
      headers: [
        'Host',
        connection.hostHeader,
        'Content-Type',
        'application/json',
        'Accept',
        'application/json',
        ...(authorization === undefined ? [] : ['Authorization', authorization]),
      ],
      body: Buffer.from(
        JSON.stringify({
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SelfSubjectAccessReview',
          spec: { resourceAttributes },
        }),
      ),
    },
    { clock, timeoutMs, maxHeadBytes: defaultProxyLimits.maxHeaderBytes, maxBodyBytes: maxAnswerBytes },
  );
  if (head.status !== 201) throw new Error(`HTTP ${String(head.status)}`);
  return asRecord(asRecord(JSON.parse(body.toString('utf8')))['status'])['allowed'] === true;
}
