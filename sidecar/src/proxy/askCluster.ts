import type { ServerResponse } from 'node:http';
import { collectAnswer } from '../clusters/collectAnswer.ts';
import type { Credential } from '../credentials/credential.ts';
import { asCodedError, CodedError } from '../foundation/errors.ts';
import type { ForwardContext } from './context.ts';
import { endedBy, endingSignal } from './ending.ts';
import type { RawHeaders } from './headerPairs.ts';
import { OutcomeReport } from './outcomeReport.ts';
import { passHead } from './passHead.ts';
import { buildUpstreamRequest } from './upstreamRequest.ts';
import { type Attempt, isRejected, withCredential } from './withCredential.ts';

/** One that is made here, in somebody's name. */
export interface OwnRequest {
  readonly method: 'GET' | 'PATCH' | 'POST';
  /** The raw path and query below the cluster. */
  readonly rest: string;
  readonly accept?: string;
  readonly body?: { readonly contentType: string; readonly json: unknown };
  /** Whether an answer shows that the cluster is not well; undefined where it does not. */
  readonly findFault?: (answer: Pick<ClusterAnswer, 'status' | 'body'>) => CodedError | undefined;
}

/** Whatever the cluster says, its refusals too. */
export interface ClusterAnswer {
  readonly status: number;
  /** As the browser may see them (PX-15). */
  readonly headers: RawHeaders;
  readonly body: Buffer;
}

/** A list of all that runs on one node, and more. */
const maxAnswerBytes = 32 * 1024 * 1024;

/**
 * Sends by the same rules as what comes from outside: credential, identity, headers, whose fault a 403 is.
 * @throws CodedError for what is no answer of the cluster
 */
export async function askCluster(context: ForwardContext, own: OwnRequest): Promise<ClusterAnswer> {
  const outcome = new OutcomeReport(context);
  const { cluster, audit } = context;
  let answer: ClusterAnswer | undefined;

  const attempt = async (credential: Credential, isLast: boolean): Promise<Attempt> => {
    const answered = await send(context, own, credential);
    if (isRejected(answered.status, context)) {
      if (!isLast) return 'unauthorized';
      cluster.credentials.reject(credential);
      throw new CodedError('plugin-credential-rejected');
    }
    const fault = answered.status === 403 ? await context.explainForbidden?.(cluster, credential) : undefined;
    if (fault) throw fault;
    const unwell = own.findFault?.(answered);
    if (unwell) throw unwell;
    const { status, body } = answered;
    const headers = passHead(answered, context, outcome);
    audit.answered(status);
    answer = { status, headers, body };
    return 'done';
  };

  try {
    await withCredential(context, own.method === 'GET', attempt);
  } catch (thrown) {
    const ended = endedBy(context);
    const error = ended ?? asCodedError(thrown);
    if (!ended) outcome.failed(error);
    throw error;
  }
  if (answer === undefined) throw new CodedError('internal-error');
  return answer;
}

/** The cluster's word as the answer to the request that came in. */
export function writeAnswer(response: ServerResponse, { status, headers, body }: ClusterAnswer): void {
  response.writeHead(status, [...headers]);
  response.end(body);
}

async function send(
  context: ForwardContext,
  { method, accept = 'application/json', body }: OwnRequest,
  credential: Credential,
): Promise<ClusterAnswer> {
  const { cluster, limits, audit, clock } = context;
  const rawHeaders = ['Accept', accept, ...(body ? ['Content-Type', body.contentType] : [])];
  const upstream = buildUpstreamRequest({ method, rawHeaders }, context, credential, undefined);
  const sent = body ? Buffer.from(JSON.stringify(body.json)) : null;
  const { method: sentMethod, target, headers } = upstream;
  audit.bytesIn += sent?.length ?? 0;
  const answer = await collectAnswer(
    cluster.connections,
    credential,
    { method: sentMethod, target, headers, body: sent },
    {
      clock,
      timeoutMs: limits.responseHeadersTimeoutMs,
      maxHeadBytes: limits.maxHeaderBytes,
      maxBodyBytes: maxAnswerBytes,
      signal: endingSignal(context),
    },
  );
  audit.bytesOut += answer.body.length;
  return { status: answer.head.status, headers: answer.head.headers, body: answer.body };
}
