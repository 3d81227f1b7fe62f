import type { LiveCluster } from '../clusters/liveCluster.ts';
import type { Clock } from '../foundation/clock.ts';
import type { CodedError } from '../foundation/errors.ts';
import type { HeaderPairs } from './headerPairs.ts';
import type { ProxyLimits } from './limits.ts';

/** All that a request or an upgrade needs on its way, decided before it starts. */
export interface ForwardContext {
  readonly cluster: LiveCluster;
  /** `<base>/clusters/<name>`, percent-encoded. */
  readonly clusterPrefix: string;
  /** The raw path and query behind the name. */
  readonly rest: string;
  /** As whom; set after everything else (PX-11). */
  readonly identityHeaders: HeaderPairs;
  readonly requestId: string;
  readonly limits: ProxyLimits;
  readonly clock: Clock;
  /** What came of it, for the cluster's status. */
  readonly onOutcome: (outcome: 'ok' | CodedError) => void;
}
