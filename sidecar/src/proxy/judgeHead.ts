import type { AnswerHead } from '../clusters/answerHead.ts';
import type { Exchange } from '../clusters/exchange.ts';
import type { Credential } from '../credentials/credential.ts';
import { asCodedError, CodedError } from '../foundation/errors.ts';
import type { ForwardContext } from './context.ts';
import { isRejected } from './withCredential.ts';

export interface JudgedHead {
  readonly head: AnswerHead;
  readonly context: ForwardContext;
  readonly credential: Credential;
  /** It is not sent again, whatever is answered. */
  readonly isLast: boolean;
  readonly exchange: Exchange;
  /** Whether somebody still waits for it. */
  readonly isWanted: () => boolean;
}

export interface Verdicts {
  /** It is the client's to hear. */
  readonly pass: () => void;
  /** The cluster rejected the provider's credential: another attempt is made with the next one (EX-25). */
  readonly repeat: () => void;
  /** It is a fault of the provider, which the client is told in its place. */
  readonly refuse: (error: CodedError) => void;
}

/** Whose fault an answer of a cluster is, for requests and upgrades alike, before anything of it is passed on. */
export function judgeHead(
  { head, context, credential, isLast, exchange, isWanted }: JudgedHead,
  { pass, repeat, refuse }: Verdicts,
): void {
  const { cluster, asked, explainForbidden } = context;
  if (isRejected(head.status, context)) {
    if (!isLast) {
      repeat();
      return;
    }
    cluster.credentials.reject(credential);
    refuse(new CodedError('plugin-credential-rejected'));
    return;
  }
  if (head.status !== 403 || asked.isProxySubresource || !explainForbidden) {
    pass();
    return;
  }
  // Whose fault it is decides what is answered (ID-25); until then nothing of the body is read.
  exchange.pause();
  explainForbidden(cluster, credential)
    .then((fault) => {
      if (!isWanted()) return;
      if (fault) {
        refuse(fault);
        return;
      }
      pass();
      exchange.resume();
    })
    // The turn of who reads is over: what a head throws here nobody else would catch.
    .catch((thrown: unknown) => {
      refuse(asCodedError(thrown));
    });
}
