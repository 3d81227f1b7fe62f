import { CodedError } from '../foundation/errors.ts';
import { asArray, asRecord, asText, isRecord } from '../foundation/unknownValue.ts';
import type { HubClient, HubResponse } from '../inventory/hubClient.ts';
import { readBodyText } from '../inventory/readBody.ts';
import type { User } from './user.ts';

/** What is to be done, as a SubjectAccessReview asks. */
export interface ResourceAttributes {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
}

export interface ResourceRule {
  readonly verbs: readonly string[];
  readonly groups: readonly string[];
  readonly resources: readonly string[];
  /** Empty for all. */
  readonly names: readonly string[];
}

/**
 * What a hub is asked about users. Each throws CodedError `reviews-unavailable` where the hub does not answer, answers
 * 429 or 5xx, or does not let the sidecar ask: never a yes, and never to be taken for a no (ID-01, ID-18).
 */
export interface HubReviews {
  /** Undefined for a token that the hub does not accept, and for an anonymous user. */
  reviewToken(token: string): Promise<User | undefined>;
  mayAccess(user: User, attributes: ResourceAttributes): Promise<boolean>;
  /** What the holder of the token may do in a namespace, as far as the hub can enumerate it. */
  listRules(token: string, namespace: string): Promise<readonly ResourceRule[]>;
}

const timeoutMs = 5000;
const maxAnswerBytes = 4 * 1024 * 1024;

/** @param client the hub there is now; undefined while there is none */
export function createHubReviews(client: () => HubClient | undefined): HubReviews {
  const review = async (
    send: (hub: HubClient, signal: AbortSignal) => Promise<HubResponse>,
  ): Promise<unknown> => {
    const hub = client();
    if (hub === undefined) throw new CodedError('reviews-unavailable');
    try {
      const { status, body } = await send(hub, AbortSignal.timeout(timeoutMs));
      const text = await readBodyText(body, maxAnswerBytes);
      if (status !== 201 && status !== 200) {
        throw new CodedError('reviews-unavailable', undefined, {
          cause: new Error(`HTTP ${String(status)}`),
        });
      }
      return asRecord(JSON.parse(text))['status'];
    } catch (cause) {
      throw cause instanceof CodedError && cause.code === 'reviews-unavailable'
        ? cause
        : new CodedError('reviews-unavailable', undefined, { cause });
    }
  };

  return {
    async reviewToken(token) {
      const status = await review((hub, signal) =>
        hub.post(
          '/apis/authentication.k8s.io/v1/tokenreviews',
          // No audience: one would fail OIDC tokens (ID-01).
          { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } },
          { signal, headersTimeoutMs: timeoutMs },
        ),
      );
      return decodeUser(asRecord(status));
    },

    async mayAccess(user, { group, resource, subresource, verb, namespace, name }) {
      const status = await review((hub, signal) =>
        hub.post(
          '/apis/authorization.k8s.io/v1/subjectaccessreviews',
          {
            apiVersion: 'authorization.k8s.io/v1',
            kind: 'SubjectAccessReview',
            spec: {
              user: user.name,
              ...(user.uid === '' ? {} : { uid: user.uid }),
              groups: user.groups,
              extra: user.extra,
              resourceAttributes: {
                verb,
                group,
                resource,
                ...(subresource === undefined ? {} : { subresource }),
                ...(namespace === undefined ? {} : { namespace }),
                ...(name === undefined ? {} : { name }),
              },
            },
          },
          { signal, headersTimeoutMs: timeoutMs },
        ),
      );
      const { allowed, denied } = asRecord(status);
      return allowed === true && denied !== true;
    },

    async listRules(token, namespace) {
      const status = await review((hub, signal) =>
        hub.postAs(
          token,
          '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews',
          {
            apiVersion: 'authorization.k8s.io/v1',
            kind: 'SelfSubjectRulesReview',
            spec: { namespace },
          },
          { signal, headersTimeoutMs: timeoutMs },
        ),
      );
      return asArray(asRecord(status)['resourceRules']).map((rule) => {
        const { verbs, apiGroups, resources, resourceNames } = asRecord(rule);
        return {
          verbs: asTexts(verbs),
          groups: asTexts(apiGroups),
          resources: asTexts(resources),
          names: asTexts(resourceNames),
        };
      });
    },
  };
}

const anonymousUser = 'system:anonymous';
const unauthenticatedGroup = 'system:unauthenticated';

function decodeUser(status: Record<string, unknown>): User | undefined {
  if (status['authenticated'] !== true) return undefined;
  const { username, uid, groups, extra } = asRecord(status['user']);
  const name = asText(username) ?? '';
  const userGroups = asTexts(groups);
  if (name === '' || name === anonymousUser || userGroups.includes(unauthenticatedGroup)) return undefined;
  return {
    name,
    uid: asText(uid) ?? '',
    groups: userGroups,
    extra: isRecord(extra)
      ? Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, asTexts(values)]))
      : {},
  };
}

function asTexts(value: unknown): string[] {
  return asArray(value).filter((each) => typeof each === 'string');
}
