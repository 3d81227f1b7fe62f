import type { CodedError } from '../foundation/errors.ts';
import type { ForwardContext } from './context.ts';

/** What one request says about the state of its cluster. */
export class OutcomeReport {
  readonly #context: Pick<ForwardContext, 'asked' | 'onOutcome'>;
  #hasHead = false;

  constructor(context: Pick<ForwardContext, 'asked' | 'onOutcome'>) {
    this.#context = context;
  }

  /** A head came that is the cluster's own decision: whatever becomes of it, the cluster was reached. */
  headCame(): void {
    this.#hasHead = true;
  }

  /** The head is passed on. An app behind `proxy` says nothing about the cluster. */
  passedOn(): void {
    if (!this.#context.asked.isProxySubresource) this.#context.onOutcome('ok');
  }

  /** Before a head came, this is why there is none; after it, it is nobody's but the request's. */
  failed(error: CodedError): void {
    if (!this.#hasHead) this.#context.onOutcome(error);
  }
}
