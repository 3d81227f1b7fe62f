import type { IncomingMessage, ServerResponse } from 'node:http';
import { asCodedError, CodedError, errorDefinition } from '../foundation/errors.ts';
import { asRecord, parseJson } from '../foundation/unknownValue.ts';
import type { ClusterAnswer } from '../proxy/askCluster.ts';
import type { AuditLog } from '../telemetry/audit.ts';
import type { OwnRequests } from './ownRequests.ts';

/**
 * Walks the stages of a cluster now, as whoever asks for it: the plugin where there is no credential, the connection, and
 * a question for the version. What comes of it is the cluster's status.
 * @throws CodedError for what is refused to them; a stage that fails is none
 */
export type CheckCluster = (
  request: IncomingMessage,
  response: ServerResponse,
  name: string,
) => Promise<void>;

export interface ClusterCheckOptions {
  readonly requests: OwnRequests;
  readonly audit: AuditLog;
  readonly sourceAddress: (request: IncomingMessage) => string | undefined;
}

export function createCheckCluster({ requests, audit, sourceAddress }: ClusterCheckOptions): CheckCluster {
  return async (request, response, name) => {
    const record = audit.begin(sourceAddress(request));
    const known = record.know();
    known.event = 'check';
    known.clusterName = name;
    try {
      const series = await requests.begin(request, response, name, record);
      await series.ask({ method: 'GET', rest: '/version', findFault }, record);
    } catch (thrown) {
      const error = asCodedError(thrown);
      record.failed(error, true);
      if (errorDefinition(error.code).stage === undefined) throw error;
    } finally {
      record.finish();
    }
  };
}

/** Every API server tells everybody its version; one that lets the user not ask has answered, too. */
function findFault({ status, body }: Pick<ClusterAnswer, 'status' | 'body'>): CodedError | undefined {
  if (status === 403) return undefined;
  const version = status === 200 ? asRecord(parseJson(body.toString('utf8')))['gitVersion'] : undefined;
  return typeof version === 'string' ? undefined : new CodedError('api-unexpected');
}
