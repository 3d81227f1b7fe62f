import type { ServerResponse } from 'node:http';
import { asConnectionError } from '../clusters/connectErrors.ts';
import type { Credential } from '../credentials/credential.ts';
import { asCodedError, CodedError } from '../foundation/errors.ts';
import type { ForwardContext } from './context.ts';
import type { HeaderPairs } from './headerPairs.ts';
import { createOutcomeReport } from './outcomeReport.ts';
import { buildResponseHeaders } from './responseHeaders.ts';
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
  readonly headers: HeaderPairs;
  readonly body: Buffer;
}

/** A list of all that runs on one node, and more. */
const maxAnswerBytes = 32 * 1024 * 1024;

/**
 * Sends by the same rules as what comes from outside: credential, identity, headers, whose fault a 403 is.
 * @throws CodedError for what is no answer of the cluster
 */
export async function askCluster(context: ForwardContext, own: OwnRequest): Promise<ClusterAnswer> {
  const outcome = createOutcomeReport(context);
  const { cluster, closed, audit } = context;
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
    outcome.headCame();
    const { status, body } = answered;
    const { connection } = cluster;
    const { clusterPrefix, rest } = context;
    const headers = buildResponseHeaders({
      upstream: answered.headers,
      status,
      connection,
      clusterPrefix,
      rest,
    });
    outcome.passedOn();
    audit.answered(status);
    answer = { status, headers, body };
    return 'done';
  };

  try {
    await withCredential(context, own.method === 'GET', attempt);
  } catch (thrown) {
    const error = closed.aborted ? asCodedError(closed.reason) : asCodedError(thrown);
    if (!closed.aborted) outcome.failed(error);
    throw error;
  }
  if (answer === undefined) throw new CodedError('internal-error');
  return answer;
}

/** The cluster's word as the answer to the request that came in. */
export function writeAnswer(response: ServerResponse, { status, headers, body }: ClusterAnswer): void {
  response.writeHead(status, headers.flat());
  response.end(body);
}

async function send(
  context: ForwardContext,
  { method, accept = 'application/json', body }: OwnRequest,
  credential: Credential,
): Promise<ClusterAnswer> {
  const { cluster, closed, limits, audit } = context;
  const rawHeaders = ['Accept', accept, ...(body ? ['Content-Type', body.contentType] : [])];
  const upstream = buildUpstreamRequest({ method, rawHeaders }, context, credential, undefined);
  const text = body ? JSON.stringify(body.json) : null;
  try {
    const answer = await cluster.connections.dispatcher(credential).request({
      path: upstream.target,
      method,
      headers: upstream.headers,
      body: text,
      signal: closed,
      headersTimeout: limits.responseHeadersTimeoutMs,
      bodyTimeout: limits.responseHeadersTimeoutMs,
    });
    audit.bytesIn += Buffer.byteLength(text ?? '');
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxAnswerBytes) throw new CodedError('response-invalid');
      chunks.push(chunk);
    }
    audit.bytesOut += size;
    const headers = Object.entries(answer.headers).flatMap(([name, value]): HeaderPairs =>
      value === undefined ? [] : [value].flat().map((each) => [name, each] as const),
    );
    return { status: answer.statusCode, headers, body: Buffer.concat(chunks) };
  } catch (thrown) {
    throw asConnectionError(thrown);
  }
}
