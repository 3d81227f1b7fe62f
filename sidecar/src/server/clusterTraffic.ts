import type { IncomingMessage } from 'node:http';
import type { ClusterEntry } from '../clusters/clusterEntry.ts';
import { guessProfile } from '../clusters/clusterName.ts';
import type { ClusterRegistry } from '../clusters/registry.ts';
import type { HubSession } from '../dashboard/hubSession.ts';
import type { RenewedSession } from '../dashboard/sessionRenewals.ts';
import type { Clock } from '../foundation/clock.ts';
import { asCodedError, CodedError } from '../foundation/errors.ts';
import { assertNotForged } from '../identity/checkOrigin.ts';
import type { Caller, Gate, StreamHold } from '../identity/gate.ts';
import { readRequestedImpersonation } from '../identity/requestedImpersonation.ts';
import { buildPersonKey } from '../identity/user.ts';
import {
  answerAccessReview,
  answerRulesReview,
  isAccessReview,
  isRulesReview,
} from '../proxy/selfReviews.ts';
import type { ForwardContext } from '../proxy/context.ts';
import { createExplainForbidden } from '../proxy/impersonationProbe.ts';
import { type KubernetesRequest, parseKubernetesRequest } from '../proxy/kubernetesRequest.ts';
import type { ProxyLimits } from '../proxy/limits.ts';
import { assertReadable } from '../proxy/readOnly.ts';
import { decideVerb, isSelfReview, type TrafficVerb } from '../proxy/requestVerb.ts';
import { accessReviewFields, decodeReview, rulesReviewFields } from '../proxy/reviewBody.ts';
import { readRequestBody } from '../proxy/readRequestBody.ts';
import type { AuditRecord } from '../telemetry/audit.ts';
import type { RequestMetrics } from '../telemetry/requestMetrics.ts';
import { actAs } from './actAs.ts';
import { noteSender } from './noteSender.ts';
import type { PlaceWanted, TrafficPlaces } from './trafficPlaces.ts';

export interface ClusterTrafficOptions {
  readonly baseUrl: string;
  readonly registry: ClusterRegistry;
  /** Undefined where nobody is asked who they are. */
  readonly gate: Gate | undefined;
  readonly session: HubSession | undefined;
  /** In lower case: what a proxy in front says about users, which no cluster is told. */
  readonly withheldHeaders: readonly string[];
  readonly limits: ProxyLimits;
  readonly places: TrafficPlaces;
  readonly metrics?: Pick<RequestMetrics, 'upstreamAnswered'> | undefined;
  readonly clock: Clock;
}

export interface ClusterRequest {
  readonly name: string;
  /** The raw path and query behind the name. */
  readonly rest: string;
  readonly isUpgrade: boolean;
  /** Who leaves with its `close`; undefined for a request that is made here. */
  readonly client?: PlaceWanted['client'];
  /** Called before the body is read here. */
  readonly onBodyWanted: () => void;
  /** Called with a session that was renewed as soon as it is there: its cookies go with a refusal as well. */
  readonly onRenewed: (renewed: RenewedSession) => void;
  /** Told what becomes known. */
  readonly audit: AuditRecord;
  /** Where that was found before: of requests that are made here, several for one that came in. */
  readonly sender?: Sender;
}

/** Who it is; nobody where nobody is asked. */
export interface Sender {
  readonly caller: Caller | undefined;
}

export type Prepared =
  | {
      readonly kind: 'forward';
      readonly context: ForwardContext;
      /** To be called when it has ended. */
      readonly release: () => void;
    }
  /** Known here; the cluster is not asked. */
  | { readonly kind: 'answer'; readonly json: unknown };

/** All that is decided before a request to a cluster starts: who, what, as whom, and by which credential. */
export interface ClusterTraffic {
  /** @throws CodedError for what is refused */
  prepare(request: IncomingMessage, asked: ClusterRequest): Promise<Prepared>;
  /** The first part of that alone. @throws CodedError for what is refused */
  identify(request: IncomingMessage, asked: ClusterRequest): Promise<Sender>;
  /** Ends with the sender's session or right, as a stream does (ID-14); undefined where nobody's word ends it. */
  hold(sender: Sender, name: string, verb: TrafficVerb): StreamHold | undefined;
}

const maxReviewBytes = 64 * 1024;

export function createClusterTraffic(options: ClusterTrafficOptions): ClusterTraffic {
  const { baseUrl, registry, gate, session, limits, places, metrics, clock } = options;
  const withheldHeaders = new Set(options.withheldHeaders);
  const explainForbidden = createExplainForbidden(clock);

  const identify = async (
    request: IncomingMessage,
    renewed: RenewedSession | undefined,
    { isUpgrade, audit, sender }: ClusterRequest,
  ): Promise<Caller | undefined> => {
    if (sender) {
      if (sender.caller) noteSender(audit, sender.caller, sender.caller.actsAs);
      return sender.caller;
    }
    if (gate === undefined) {
      if (readRequestedImpersonation(request.rawHeaders)) throw new CodedError('impersonation-refused');
      return undefined;
    }
    const caller =
      (renewed ? undefined : gate.recognize(request)) ??
      (await gate.identify(request, renewed?.token, (who) => {
        noteSender(audit, who);
      }));
    noteSender(audit, caller, caller.actsAs);
    if (caller.origin === 'cookie' || caller.origin === 'proxy') assertNotForged(request, isUpgrade);
    return caller;
  };

  const authorize = async (
    caller: Caller | undefined,
    name: string,
    entry: ClusterEntry | undefined,
    verb: TrafficVerb,
  ): Promise<ClusterEntry> => {
    if (caller && gate)
      await gate.authorize(caller, entry?.profile ?? guessProfile(name), verb, entry !== undefined);
    if (entry === undefined) throw new CodedError('cluster-unknown');
    return entry;
  };

  /** What and as whom, once it is known who. */
  const decide = async (
    request: IncomingMessage,
    clusterRequest: ClusterRequest,
    known: Known,
  ): Promise<Prepared> => {
    const { name, rest, onBodyWanted } = clusterRequest;
    const { caller, verb, found } = known;
    const isAuthorized = found && caller && gate?.isAuthorized(caller, found.profile, verb);
    let entry: ClusterEntry;
    try {
      entry = isAuthorized ? found : await authorize(caller, name, found, verb);
    } catch (thrown) {
      if (asCodedError(thrown).code !== 'access-denied' || !isRulesReview(request.method ?? 'GET', rest))
        throw thrown;
      onBodyWanted();
      const review = await readRequestBody(request, maxReviewBytes);
      const json = answerRulesReview(
        decodeReview(review, request.headers['content-type'], rulesReviewFields),
      );
      return { kind: 'answer', json };
    }
    // Before a plugin runs for it.
    const leave = places.take({
      cluster: entry.key,
      user: caller && buildPersonKey(caller.user),
      isStream: known.isLong,
      client: clusterRequest.client,
    });
    try {
      const decided = await choose(request, clusterRequest, known, entry);
      if ('json' in decided) {
        leave();
        return { kind: 'answer', json: decided.json };
      }
      return {
        kind: 'forward',
        context: decided,
        release() {
          leave();
          known.hold?.release();
        },
      };
    } catch (thrown) {
      leave();
      throw thrown;
    }
  };

  /** Which of the cluster's accesses, for which a plugin may run, and what goes there; or what is known here. */
  const choose = async (
    request: IncomingMessage,
    { rest, isUpgrade, onBodyWanted, audit }: ClusterRequest,
    { caller, asked, verb, isLong, hold, renewed }: Known,
    entry: ClusterEntry,
  ): Promise<ForwardContext | { readonly json: unknown }> => {
    const cluster = await entry.select();
    audit.know().mode = cluster.rules.mode;
    assertReadable(cluster.rules, asked, verb);

    // An upgrade has no body to be read; it needs another right, too.
    const isReview = !isUpgrade && isSelfReview(request.method ?? 'GET', rest);
    if (isReview) onBodyWanted();
    const body = isReview ? await readRequestBody(request, maxReviewBytes) : undefined;
    if (body && isAccessReview(rest)) {
      const review = decodeReview(body, request.headers['content-type'], accessReviewFields);
      const json = await answerAccessReview(review, {
        rules: cluster.rules,
        may: (wanted) => (caller && gate ? gate.may(caller, entry.profile, wanted) : Promise.resolve(true)),
      });
      if (json) return { json };
    }

    const identity = actAs(caller, cluster);
    audit.know().identityHeaders = identity.identityHeaders;
    return {
      cluster,
      clusterPrefix: `${baseUrl}/clusters/${encodeURIComponent(entry.name)}`,
      rest,
      asked,
      ...identity,
      withheldHeaders,
      explainForbidden: cluster.rules.mode === 'impersonate' ? explainForbidden : undefined,
      body,
      closed: hold ? AbortSignal.any([cluster.closed, hold.signal]) : cluster.closed,
      setCookies: () => renewed?.setCookies ?? [],
      clock,
      limits,
      audit,
      onHead: (durationMs) => {
        metrics?.upstreamAnswered({ verb, isLong }, durationMs);
      },
      onOutcome: (outcome) => {
        entry.report(outcome);
      },
    };
  };

  return {
    async prepare(request, clusterRequest) {
      const { name, rest, isUpgrade, audit } = clusterRequest;
      const renewing = session?.renew(request);
      const renewed = renewing && (await renewing);
      if (renewed) clusterRequest.onRenewed(renewed);
      const caller = await identify(request, renewed, clusterRequest);
      const asked = parseKubernetesRequest(rest);
      const verb = decideVerb({ method: request.method ?? 'GET', rest, asked, isUpgrade });
      const isLong = isUpgrade || asked.isLongRunning;
      const found = registry.get(name);
      const about = audit.know();
      about.verb = verb;
      about.asked = asked;
      about.isUpgrade = isUpgrade;
      about.isLong = isLong;
      if (found) about.cluster = found;
      // From now on, since its session may end while the hub is asked or a plugin runs.
      const hold = caller && isLong && found ? gate?.holdStream(caller, found.profile, verb) : undefined;
      try {
        const prepared = await decide(request, clusterRequest, {
          caller,
          asked,
          verb,
          isLong,
          found,
          hold,
          renewed,
        });
        if (prepared.kind === 'answer') hold?.release();
        return prepared;
      } catch (thrown) {
        hold?.release();
        throw thrown;
      }
    },
    async identify(request, clusterRequest) {
      const renewed = await session?.renew(request);
      if (renewed) clusterRequest.onRenewed(renewed);
      return { caller: await identify(request, renewed, clusterRequest) };
    },
    hold({ caller }, name, verb) {
      const entry = registry.get(name);
      return caller && entry ? gate?.holdStream(caller, entry.profile, verb) : undefined;
    },
  };
}

/** What is known when the deciding begins. */
interface Known {
  readonly caller: Caller | undefined;
  readonly asked: KubernetesRequest;
  readonly verb: TrafficVerb;
  readonly isLong: boolean;
  readonly found: ClusterEntry | undefined;
  readonly hold: StreamHold | undefined;
  readonly renewed: RenewedSession | undefined;
}
