import { IncomingMessage, type ServerResponse } from 'node:http';
import { clusterNamePrefix } from '../clusters/clusterName.ts';
import type { Clock } from '../foundation/clock.ts';
import { asCodedError, CodedError } from '../foundation/errors.ts';
import type { Log } from '../foundation/log.ts';
import type { StreamHold } from '../identity/streamGuard.ts';
import { writeAnswer } from '../proxy/askCluster.ts';
import { cordon, type Drain, endDrain, evictPods } from '../proxy/drainNode.ts';
import { isNodeName, readDrainRequest, type DrainRequest } from '../proxy/drainRequest.ts';
import { describeDrain, readNodeState } from '../proxy/nodeState.ts';
import { readRequestBody } from '../proxy/readRequestBody.ts';
import { couldBePath } from '../proxy/target.ts';
import type { AuditRecord } from '../telemetry/audit.ts';
import type { OwnRequests } from './ownRequests.ts';

export interface NodeDrainOptions {
  readonly baseUrl: string;
  readonly requests: OwnRequests;
  readonly clock: Clock;
  readonly log: Log;
}

/** What Headlamp's backend does for nodes of its own clusters, for those of discovered ones (PX-45). */
export interface NodeDrain {
  /** All that is answered here, for a cluster of ours. */
  readonly routes: readonly { readonly method: string; readonly path: string }[];
  /** Whether this asks for the state of a drain, of whatever cluster. */
  isStatus(request: IncomingMessage): boolean;
  /**
   * What is for the dashboard, whole; undefined where the request was for here, and is answered.
   * @throws CodedError for what is refused
   */
  handle(
    request: IncomingMessage,
    response: ServerResponse,
    audit: AuditRecord,
  ): Promise<IncomingMessage | undefined>;
}

const maxBytes = 64 * 1024;
/** Of one user, under way at once: each is a loop of requests. */
const maxDrains = 16;
/** A Pod may be given long to end, and a PodDisruptionBudget waits for others to begin. */
const drainMs = 15 * 60_000;

export function createNodeDrain({ baseUrl, requests, clock, log }: NodeDrainOptions): NodeDrain {
  const drainPath = `${baseUrl}/drain-node`;
  const statusPath = `${baseUrl}/drain-node-status`;
  /** Of each who asked for it, so that asking twice begins nothing new. */
  const running = new Map<string, Drain>();

  const isStatus: NodeDrain['isStatus'] = ({ method, url = '', headers }) =>
    method === 'GET' && headers.upgrade === undefined && url.split('?', 1)[0] === statusPath;

  /** Goes on when the request is answered; ends with the sender's session or right, and with the cluster. */
  const evict = async (key: string, drain: Drain, hold: StreamHold | undefined): Promise<string> => {
    try {
      return await evictPods(drain, clock, hold?.signal ?? new AbortController().signal);
    } catch (thrown) {
      return asCodedError(thrown).code;
    } finally {
      hold?.release();
      running.delete(key);
      await endDrain(drain).catch((thrown: unknown) => {
        log.debug('a drain is not marked as ended', { code: asCodedError(thrown).code });
      });
    }
  };

  const countOf = (user: string): number => [...running.keys()].filter((key) => key.startsWith(user)).length;

  const begin = async (
    request: IncomingMessage,
    response: ServerResponse,
    { cluster, nodeName }: DrainRequest,
    audit: AuditRecord,
  ): Promise<void> => {
    audit.know().clusterName = cluster;
    const series = await requests.begin(request, response, cluster, audit);
    // From now on, since the session may end while the hub or the cluster is asked.
    const hold = series.hold('create');
    try {
      const rest = `/api/v1/nodes/${nodeName}`;
      // Who may not evict leaves no node cordoned.
      for (const method of ['POST', 'GET', 'PATCH'] as const)
        await series.assertAllowed({ method, rest }, audit);
      // What reads may be asked twice: so a credential that has run out is renewed before anything is changed.
      const node = await series.ask({ method: 'GET', rest });
      if (node.status !== 200) {
        writeAnswer(response, node);
        hold?.release();
        return;
      }
      const { caller } = series.sender;
      const ofUser = `${JSON.stringify(caller?.user.name ?? '')} `;
      const key = `${ofUser}${JSON.stringify([caller?.actsAs.name, cluster, nodeName])}`;
      const present = running.get(key);
      if (!present && countOf(ofUser) >= maxDrains) throw new CodedError('too-many-drains');
      const drain = present ?? { ask: series.ask, nodeName, until: clock.now() + drainMs };
      // Before it is cordoned: who asks twice at once has one.
      running.set(key, drain);
      const answer = await cordon({ ...drain, ask: (own) => series.ask(own, audit) }).catch(
        (thrown: unknown) => {
          if (!present) running.delete(key);
          throw thrown;
        },
      );
      if (answer.status !== 200) {
        if (!present) running.delete(key);
        writeAnswer(response, answer);
        hold?.release();
        return;
      }
      answerJson(response, { cluster, message: 'The node is cordoned, and its Pods are being evicted' });
      if (present) hold?.release();
      else
        void evict(key, drain, hold).then((end) => {
          log.info('a drain has ended', { requestId: audit.requestId, end });
        });
    } catch (thrown) {
      hold?.release();
      throw thrown;
    }
  };

  const tell = async (
    request: IncomingMessage,
    response: ServerResponse,
    audit: AuditRecord,
  ): Promise<void> => {
    const { cluster, nodeName } = readStatusQuery(request.url ?? '');
    audit.know().clusterName = cluster;
    const series = await requests.begin(request, response, cluster, audit);
    let given: AuditRecord | undefined = audit;
    const read = await readNodeState((own) => {
      const first = given;
      given = undefined;
      return series.ask(own, first);
    }, nodeName);
    if ('refusal' in read) writeAnswer(response, read.refusal);
    else answerJson(response, { id: describeDrain(read.state, clock.now()), cluster });
  };

  return {
    routes: [
      { method: 'POST', path: drainPath },
      { method: 'GET', path: statusPath },
    ],
    isStatus,
    async handle(request, response, audit) {
      const [path = ''] = (request.url ?? '').split('?', 1);
      if (isStatus(request) && namesOurs(request.url ?? '')) {
        await tell(request, response, audit);
      } else if (request.method === 'POST' && couldBePath(path, drainPath.toLowerCase())) {
        if (path !== drainPath) throw new CodedError('path-refused');
        const body = await readRequestBody(request, maxBytes);
        const asked = readDrainRequest(body, clusterNamePrefix);
        if (asked === undefined) return replay(request, body);
        await begin(request, response, asked, audit);
      } else {
        return request;
      }
      audit.answered(response.statusCode);
      audit.finish();
      return undefined;
    },
  };
}

function namesOurs(target: string): boolean {
  return clustersOf(target).some((name) => name.toLowerCase().startsWith(clusterNamePrefix));
}

function clustersOf(target: string): string[] {
  return new URLSearchParams(target.split('?').slice(1).join('?')).getAll('cluster');
}

/** @throws CodedError `path-refused` for anything but one cluster and one node */
function readStatusQuery(target: string): DrainRequest {
  const [cluster = '', ...others] = clustersOf(target);
  const nodeNames = new URLSearchParams(target.split('?').slice(1).join('?')).getAll('nodeName');
  const [nodeName = ''] = nodeNames;
  if (others.length > 0 || nodeNames.length !== 1 || !isNodeName(nodeName))
    throw new CodedError('path-refused');
  return { cluster, nodeName };
}

/** The same request once more, with the body that was read of it. */
function replay(request: IncomingMessage, body: Buffer): IncomingMessage {
  const again = new IncomingMessage(request.socket);
  const { method, url, httpVersion, httpVersionMajor, httpVersionMinor, rawHeaders, headers } = request;
  Object.assign(again, { method, url, httpVersion, httpVersionMajor, httpVersionMinor, rawHeaders });
  again.headers = headers;
  again.complete = true;
  again.push(body);
  again.push(null);
  return again;
}

function answerJson(response: ServerResponse, json: object): void {
  const body = JSON.stringify(json);
  response.writeHead(200, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(body);
}
