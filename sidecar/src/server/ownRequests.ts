import { IncomingMessage, type ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { asCodedError, CodedError } from '../foundation/errors.ts';
import type { RenewedSession } from '../dashboard/sessionRenewals.ts';
import type { StreamHold } from '../identity/streamGuard.ts';
import { askCluster, type ClusterAnswer, type OwnRequest } from '../proxy/askCluster.ts';
import type { ForwardContext } from '../proxy/context.ts';
import type { TrafficVerb } from '../proxy/requestVerb.ts';
import type { AuditLog, AuditRecord } from '../telemetry/audit.ts';
import type { ClusterTraffic, Sender } from './clusterTraffic.ts';

export interface OwnRequestsOptions {
  readonly traffic: ClusterTraffic;
  readonly audit: AuditLog;
  readonly sourceAddress: (request: IncomingMessage) => string | undefined;
}

/** Requests to a cluster that are made here for one that came in: each decided and written down by itself. */
export interface OwnRequests {
  /**
   * Finds out whose they are.
   * @throws CodedError `sign-in-required` and the like
   */
  begin(
    request: IncomingMessage,
    response: ServerResponse,
    name: string,
    audit: AuditRecord,
  ): Promise<RequestSeries>;
}

export interface RequestSeries {
  readonly sender: Sender;
  /**
   * Whether it would be sent.
   * @throws CodedError for what is refused, which `audit` then tells of
   */
  assertAllowed(own: OwnRequest, audit: AuditRecord): Promise<void>;
  /**
   * @param audit of the request that came in, where this one stands for it
   * @throws CodedError for what is refused, and for what is no answer
   */
  readonly ask: (own: OwnRequest, audit?: AuditRecord) => Promise<ClusterAnswer>;
  hold(verb: TrafficVerb): StreamHold | undefined;
}

export function createOwnRequests({ traffic, audit: log, sourceAddress }: OwnRequestsOptions): OwnRequests {
  return {
    async begin(request, response, name, firstAudit) {
      const common = {
        name,
        isUpgrade: false,
        onBodyWanted: () => undefined,
        onRenewed: (renewed: RenewedSession) => {
          renewed.addTo(response);
        },
      };
      const source = sourceAddress(request);
      const sender = await traffic.identify(request, { ...common, rest: '', audit: firstAudit });

      const prepare = async (
        { method, rest }: OwnRequest,
        audit: AuditRecord,
      ): Promise<{ readonly context: ForwardContext; readonly release: () => void }> => {
        // Nothing of what came in but who sent it.
        const own = new IncomingMessage(new Socket());
        own.method = method;
        audit.know().clusterName = name;
        const prepared = await traffic.prepare(own, { ...common, rest, audit, sender });
        // Only reviews about oneself are answered here.
        if (prepared.kind === 'answer') throw new CodedError('internal-error');
        return prepared;
      };

      return {
        sender,
        async assertAllowed(own, audit) {
          (await prepare(own, audit)).release();
        },
        async ask(own, given) {
          const audit = given ?? log.begin(source);
          try {
            const { context, release } = await prepare(own, audit);
            return await askCluster(context, own).finally(release);
          } catch (thrown) {
            audit.failed(asCodedError(thrown), true);
            throw thrown;
          } finally {
            if (given === undefined) audit.finish();
          }
        },
        hold: (verb) => traffic.hold(sender, name, verb),
      };
    },
  };
}
