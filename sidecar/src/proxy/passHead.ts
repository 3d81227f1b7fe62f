import type { AnswerHead } from '../clusters/answerHead.ts';
import type { ForwardContext } from './context.ts';
import type { OutcomeReport } from './outcomeReport.ts';
import { buildResponseHeaders } from './responseHeaders.ts';

/**
 * The headers of a head that is the client's to hear, and what it says about the cluster.
 * @throws CodedError `redirect-refused`
 */
export function passHead(
  { status, headers }: Pick<AnswerHead, 'status' | 'headers'>,
  { cluster, clusterPrefix, rest }: ForwardContext,
  outcome: OutcomeReport,
): string[] {
  outcome.headCame();
  const { connection } = cluster;
  const passed = buildResponseHeaders({ upstream: headers, status, connection, clusterPrefix, rest });
  outcome.passedOn();
  return passed;
}
