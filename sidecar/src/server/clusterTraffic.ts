import type { IncomingMessage } from 'node:http';
import type { ClusterEntry } from '../clusters/clusterEntry.ts';
import { guessProfile } from '../clusters/clusterName.ts';
import type { LiveCluster } from '../clusters/liveCluster.ts';
import type { ClusterRegistry } from '../clusters/registry.ts';
import type { HubSession } from '../dashboard/hubSession.ts';
import type { RenewedSession } from '../dashboard/sessionRenewals.ts';
import type { Clock } from '../foundation/clock.ts';
import { asCodedError, CodedError } from '../foundation/errors.ts';
import { assertNotForged } from '../identity/checkOrigin.ts';
import type { Caller, Gate } from '../identity/gate.ts';
import type { StreamHold } from '../identity/streamGuard.ts';
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
import { parseKubernetesRequest } from '../proxy/kubernetesRequest.ts';
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

  const renew = (
    request: IncomingMessage,
    { onRenewed }: ClusterRequest,
  ): Promise<RenewedSession | undefined> | undefined =>
    session?.renew(request)?.then((renewed) => {
      if (renewed) onRenewed(renewed);
      return renewed;
    });

  /** A promise only where the hub has to be asked. */
  const identify = (
    request: IncomingMessage,
    renewed: RenewedSession | undefined,
    { isUpgrade, audit, sender }: ClusterRequest,
  ): Caller | undefined | Promise<Caller> => {
    if (sender) {
      if (sender.caller) noteSender(audit, sender.caller, sender.caller.actsAs);
      return sender.caller;
    }
    if (gate === undefined) {
      if (readRequestedImpersonation(request.rawHeaders)) throw new CodedError('impersonation-refused');
      return undefined;
    }
    const identified = (caller: Caller): Caller => {
      noteSender(audit, caller, caller.actsAs);
      if (caller.origin === 'cookie' || caller.origin === 'proxy') assertNotForged(request, isUpgrade);
      return caller;
    };
    const recognized = renewed ? undefined : gate.recognize(request);
    if (recognized) return identified(recognized);
    return gate
      .identify(request, renewed?.token, (who) => {
        noteSender(audit, who);
      })
      .then(identified);
  };

  /** Where the hub has to be asked; what is known here instead, where it says no to who wants to know what it says. */
  const authorize = async (
    request: IncomingMessage,
    { name, rest, onBodyWanted }: ClusterRequest,
    { caller, verb, found }: Known,
  ): Promise<ClusterEntry | KnownHere> => {
    try {
      if (caller && gate)
        await gate.authorize(caller, found?.profile ?? guessProfile(name), verb, found !== undefined);
    } catch (thrown) {
      if (asCodedError(thrown).code !== 'access-denied' || !isRulesReview(request.method ?? 'GET', rest))
        throw thrown;
      onBodyWanted();
      const review = await readRequestBody(request, maxReviewBytes);
      return {
        json: answerRulesReview(decodeReview(review, request.headers['content-type'], rulesReviewFields)),
      };
    }
    if (found === undefined) throw new CodedError('cluster-unknown');
    return found;
  };

  /** A question about oneself, which is read here: what is known, or its body for the cluster. */
  const review = async (
    request: IncomingMessage,
    { rest, onBodyWanted }: ClusterRequest,
    { caller, entry, cluster }: Selected,
  ): Promise<KnownHere | { readonly body: Buffer }> => {
    onBodyWanted();
    const body = await readRequestBody(request, maxReviewBytes);
    if (!isAccessReview(rest)) return { body };
    const json = await answerAccessReview(
      decodeReview(body, request.headers['content-type'], accessReviewFields),
      {
        rules: cluster.rules,
        may: (wanted) => (caller && gate ? gate.may(caller, entry.profile, wanted) : Promise.resolve(true)),
      },
    );
    return json ? { json } : { body };
  };

  return {
    // Where nobody has to be asked it waits for nothing: each wait is paid by every request.
    async prepare(request, clusterRequest) {
      const { name, rest, isUpgrade, audit } = clusterRequest;
      const renewing = renew(request, clusterRequest);
      const renewed = renewing && (await renewing);
      const identified = identify(request, renewed, clusterRequest);
      const caller = identified instanceof Promise ? await identified : identified;
      const asked = parseKubernetesRequest(rest);
      const method = request.method ?? 'GET';
      const verb = decideVerb({ method, rest, asked, isUpgrade });
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
      let leave: (() => void) | undefined;
      const release = (): void => {
        leave?.();
        hold?.release();
      };
      const answer = ({ json }: KnownHere): Prepared => {
        release();
        return { kind: 'answer', json };
      };
      try {
        const isAuthorized =
          found && (gate === undefined || (caller && gate.isAuthorized(caller, found.profile, verb)));
        const entry = isAuthorized
          ? found
          : await authorize(request, clusterRequest, { caller, verb, found });
        if ('json' in entry) return answer(entry);
        // Before a plugin runs for it.
        leave = places.take({
          cluster: entry.key,
          user: caller && buildPersonKey(caller.user),
          isStream: isLong,
          client: clusterRequest.client,
        });
        const cluster = entry.selectNow() ?? (await entry.select());
        about.mode = cluster.rules.mode;
        assertReadable(cluster.rules, asked, verb);
        // An upgrade has no body to be read; it needs another right, too.
        const reviewed =
          !isUpgrade && isSelfReview(method, rest)
            ? await review(request, clusterRequest, { caller, entry, cluster })
            : undefined;
        if (reviewed && 'json' in reviewed) return answer(reviewed);
        const identity = actAs(caller, cluster);
        about.identityHeaders = identity.identityHeaders;
        const context: ForwardContext = {
          cluster,
          clusterPrefix: () => `${baseUrl}/clusters/${encodeURIComponent(entry.name)}`,
          rest,
          asked,
          identityHeaders: identity.identityHeaders,
          userCredential: identity.userCredential,
          withheldHeaders,
          explainForbidden: cluster.rules.mode === 'impersonate' ? explainForbidden : undefined,
          body: reviewed?.body,
          held: hold?.signal,
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
        return { kind: 'forward', context, release };
      } catch (thrown) {
        release();
        throw thrown;
      }
    },
    async identify(request, clusterRequest) {
      const renewed = await renew(request, clusterRequest);
      return { caller: await identify(request, renewed, clusterRequest) };
    },
    hold({ caller }, name, verb) {
      const entry = registry.get(name);
      return caller && entry ? gate?.holdStream(caller, entry.profile, verb) : undefined;
    },
  };
}

/** What is known when it is decided whether it may. */
interface Known {
  readonly caller: Caller | undefined;
  readonly verb: TrafficVerb;
  readonly found: ClusterEntry | undefined;
}

/** And once it may, by which way. */
interface Selected {
  readonly caller: Caller | undefined;
  readonly entry: ClusterEntry;
  readonly cluster: LiveCluster;
}

/** An answer for which the cluster is not asked. */
interface KnownHere {
  readonly json: unknown;
}
