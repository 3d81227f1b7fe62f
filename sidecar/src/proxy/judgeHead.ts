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
}

/** Is told whose fault it is. */
export interface HeadJudged {
  /** It is the client's to hear. */
  pass(head: AnswerHead): void;
  /** The cluster rejected the provider's credential: another attempt is made with the next one (EX-25). */
  repeat(): void;
  /** It is a fault of the provider, which the client is told in its place. */
  refuse(error: CodedError): void;
  /** Whether somebody still waits for it. */
  isWanted(): boolean;
}

/** Whose fault an answer of a cluster is, for requests and upgrades alike, before anything of it is passed on. */
export function judgeHead(judged: JudgedHead, client: HeadJudged): void {
  const { head, context, credential, isLast } = judged;
  const { cluster, asked, explainForbidden } = context;
  if (isRejected(head.status, context)) {
    if (!isLast) {
      client.repeat();
      return;
    }
    cluster.credentials.reject(credential);
    client.refuse(new CodedError('plugin-credential-rejected'));
    return;
  }
  if (head.status !== 403 || asked.isProxySubresource || !explainForbidden) client.pass(head);
  else explain(judged, explainForbidden(cluster, credential), client);
}

/** Whose fault it is decides what is answered (ID-25); until then nothing of the body is read. */
function explain(
  { head, exchange }: JudgedHead,
  explaining: Promise<CodedError | undefined>,
  client: HeadJudged,
): void {
  exchange.pause();
  explaining
    .then((fault) => {
      if (!client.isWanted()) return;
      if (fault) {
        client.refuse(fault);
        return;
      }
      client.pass(head);
      exchange.resume();
    })
    // The turn of who reads is over: what a head throws here nobody else would catch.
    .catch((thrown: unknown) => {
      client.refuse(asCodedError(thrown));
    });
}
