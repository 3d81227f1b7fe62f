import type { LiveCluster } from '../clusters/liveCluster.ts';
import type { Credential } from '../credentials/credential.ts';
import type { Clock } from '../foundation/clock.ts';
import type { CodedError } from '../foundation/errors.ts';
import type { AuditRecord } from '../telemetry/audit.ts';
import type { HeaderPairs } from './headerPairs.ts';
import type { ExplainForbidden } from './impersonationProbe.ts';
import type { KubernetesRequest } from './kubernetesRequest.ts';
import type { ProxyLimits } from './limits.ts';

/** All that a request or an upgrade needs on its way, decided before it starts. */
export interface ForwardContext {
  readonly cluster: LiveCluster;
  /** `<base>/clusters/<name>`, percent-encoded; hardly any answer needs it. */
  readonly clusterPrefix: () => string;
  /** The raw path and query behind the name. */
  readonly rest: string;
  /** What `rest` asks of an API server. */
  readonly asked: KubernetesRequest;
  /** As whom; set after everything else (PX-11). */
  readonly identityHeaders: HeaderPairs;
  /** Names in lower case that the cluster is never sent. */
  readonly withheldHeaders: ReadonlySet<string>;
  /** The user's own, under `passthrough`; otherwise the provider's is used. */
  readonly userCredential: Credential | undefined;
  /** Asked when the cluster answers 403: whether that is the provider's fault, not the user's (ID-25). */
  readonly explainForbidden: ExplainForbidden | undefined;
  /** Where the body had to be read first; otherwise it streams. Small and safe to send again. */
  readonly body: Buffer | undefined;
  /** Ends a stream whose sender may no longer have it; undefined where nobody's word ends it. */
  readonly held: AbortSignal | undefined;
  /** `Set-Cookie` of a session that was renewed on the way, as it is then, for an answer that is no `ServerResponse`. */
  readonly setCookies: () => readonly string[];
  readonly audit: AuditRecord;
  readonly limits: ProxyLimits;
  readonly clock: Clock;
  /** The cluster answered: how long after it was asked, in milliseconds. */
  readonly onHead: (durationMs: number) => void;
  /** What came of it, for the cluster's status. */
  readonly onOutcome: (outcome: 'ok' | CodedError) => void;
}
