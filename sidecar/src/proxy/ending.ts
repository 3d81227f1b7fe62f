import { asCodedError, type CodedError } from '../foundation/errors.ts';
import type { ForwardContext } from './context.ts';

/** What ends that is open, whatever its two ends do. */
type Ending = Pick<ForwardContext, 'cluster' | 'held'>;

/** Why it has to end: the access was withdrawn or else is no longer allowed. Undefined while it may go on. */
export function endedBy({ cluster, held }: Ending): CodedError | undefined {
  const ended = cluster.closed.aborted ? cluster.closed : held?.aborted ? held : undefined;
  return ended && asCodedError(ended.reason);
}

/** The same as one signal; of it alone an idle stream would keep 2 KB. */
export function endingSignal({ cluster, held }: Ending): AbortSignal {
  return held ? AbortSignal.any([cluster.closed, held]) : cluster.closed;
}
