import type { CodedError } from '../foundation/errors.ts';
import type { ForwardContext } from './context.ts';

/** What one request says about the state of its cluster. */
export interface OutcomeReport {
  /** A head came that is the cluster's own decision: whatever becomes of it, the cluster was reached. */
  headCame(): void;
  /** The head is passed on. An app behind `proxy` says nothing about the cluster. */
  passedOn(): void;
  /** Before a head came, this is why there is none; after it, it is nobody's but the request's. */
  failed(error: CodedError): void;
}

export function createOutcomeReport({
  asked,
  onOutcome,
}: Pick<ForwardContext, 'asked' | 'onOutcome'>): OutcomeReport {
  let hasHead = false;
  return {
    headCame() {
      hasHead = true;
    },
    passedOn() {
      if (!asked.isProxySubresource) onOutcome('ok');
    },
    failed(error) {
      if (!hasHead) onOutcome(error);
    },
  };
}
