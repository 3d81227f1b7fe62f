import type { Clock } from '../foundation/clock.ts';
import { CodedError } from '../foundation/errors.ts';
import type { AccessDecisions } from './accessDecisions.ts';
import { BoundedMap } from './boundedMap.ts';
import type { HubReviews, ResourceAttributes, ResourceRule } from './hubReviews.ts';
import { createLane, type Lane } from './lane.ts';
import { profileGroup, type ProfileId, profileResource, seeingAttributes } from './profileRights.ts';
import type { ReviewBudgets } from './reviewBudgets.ts';
import { buildUserKey, type User } from './user.ts';

export type IsVisible = (profile: ProfileId) => boolean;

export interface Visibility {
  /**
   * Which of these profiles a user sees (ID-10), as of at most 60 s ago: for lists, never for traffic.
   * @param token undefined for a user who has none, and whose named grants therefore nobody can be asked for
   * @throws CodedError `reviews-unavailable`, `too-many-reviews`
   */
  forUser(user: User, token: string | undefined, profiles: readonly ProfileId[]): Promise<IsVisible>;
}

export interface VisibilityOptions {
  readonly reviews: Pick<HubReviews, 'listRules'>;
  readonly budgets: ReviewBudgets;
  readonly decisions: AccessDecisions;
  readonly clock: Clock;
  /** How long what somebody saw stays while the hub cannot be asked (ID-18). */
  readonly outageGraceMs: number;
}

const memoryMs = 60_000;
const maxUsers = 5_000;
/** Reviews at once for one user. */
const concurrent = 16;
/** Named grants of one namespace that are confirmed, each by a review. */
const maxNames = 500;

type Seen = 'all' | ReadonlySet<string>;

interface Sight {
  /** For each single question to the hub. */
  readonly lane: Lane;
  readonly since: number;
  readonly everywhere: Promise<boolean>;
  readonly byNamespace: Map<string, Promise<Seen>>;
  /** By namespace and name, where nobody can be asked for the names. */
  readonly byProfile: Map<string, Promise<boolean>>;
}

export function createVisibility({
  reviews,
  budgets,
  decisions,
  clock,
  outageGraceMs,
}: VisibilityOptions): Visibility {
  const sights = new BoundedMap<string, Sight>(maxUsers);
  /** What somebody saw when the hub could last be asked (ID-18, PX-46). */
  const lastGood = new BoundedMap<string, { readonly at: number; readonly isVisible: IsVisible }>(maxUsers);

  const lookIn = async (
    { lane }: Sight,
    user: User,
    token: string | undefined,
    namespace: string,
  ): Promise<Seen> => {
    const may = (attributes: ResourceAttributes): Promise<boolean> =>
      lane(() => decisions.may(user, attributes));
    if (await may(seeingAttributes('list', { namespace }))) return 'all';
    if (token === undefined) return (await may(seeingAttributes('get', { namespace }))) ? 'all' : new Set();
    const rules = (await lane(() => budgets.spend(user, () => reviews.listRules(token, namespace)))).filter(
      coversGet,
    );
    if (rules.length === 0) return new Set();
    if (
      rules.some(({ names }) => names.length === 0) &&
      (await may(seeingAttributes('get', { namespace })))
    ) {
      return 'all';
    }
    const names = [...new Set(rules.flatMap((rule) => rule.names))].slice(0, maxNames);
    const confirmed = await Promise.all(
      names.map((name) => may(seeingAttributes('get', { namespace, name }))),
    );
    return new Set(names.filter((_, index) => confirmed[index]));
  };

  /** Each profile that there is, by a question of its own. */
  const askByName = async (
    { lane, byProfile }: Sight,
    user: User,
    namespace: string,
    names: readonly string[],
  ): Promise<Seen> => {
    const asked = names.slice(0, maxNames);
    const answers = await Promise.all(
      asked.map((name) =>
        remember(byProfile, `${namespace}/${name}`, () =>
          lane(() => decisions.may(user, seeingAttributes('get', { namespace, name }))),
        ),
      ),
    );
    return new Set(asked.filter((_, index) => answers[index]));
  };

  const sightOf = (user: User): Sight => {
    const key = buildUserKey(user);
    const present = sights.get(key);
    if (present && clock.now() - present.since < memoryMs) return present;
    const sight: Sight = {
      lane: createLane({ concurrent, waiting: Infinity }, () => new Error('never')),
      since: clock.now(),
      everywhere: decisions.may(user, seeingAttributes('list', {})),
      byNamespace: new Map(),
      byProfile: new Map(),
    };
    sights.set(key, sight);
    // What failed is asked anew.
    sight.everywhere.catch(() => {
      sights.delete(key);
    });
    return sight;
  };

  const look = async (
    user: User,
    token: string | undefined,
    profiles: readonly ProfileId[],
  ): Promise<IsVisible> => {
    const sight = sightOf(user);
    if (await sight.everywhere) return () => true;
    const seen = new Map<string, Seen>(
      await Promise.all(
        [...namesByNamespace(profiles)].map(async ([namespace, names]): Promise<[string, Seen]> => {
          const inNamespace = await remember(sight.byNamespace, namespace, () =>
            lookIn(sight, user, token, namespace),
          );
          return token === undefined && inNamespace !== 'all'
            ? [namespace, await askByName(sight, user, namespace, names)]
            : [namespace, inNamespace];
        }),
      ),
    );
    return ({ namespace, name }) => {
      const inNamespace = seen.get(namespace);
      return inNamespace === 'all' || (inNamespace?.has(name) ?? false);
    };
  };

  return {
    async forUser(user, token, profiles) {
      const key = buildUserKey(user);
      try {
        const isVisible = await look(user, token, profiles);
        lastGood.set(key, { at: clock.now(), isVisible });
        return isVisible;
      } catch (thrown) {
        const last = lastGood.get(key);
        const isOutage = thrown instanceof CodedError && thrown.code === 'reviews-unavailable';
        if (isOutage && last && clock.now() - last.at < outageGraceMs) return last.isVisible;
        throw thrown;
      }
    },
  };
}

/** What was asked before; what failed is asked anew. */
function remember<Answer>(
  answers: Map<string, Promise<Answer>>,
  key: string,
  ask: () => Promise<Answer>,
): Promise<Answer> {
  const present = answers.get(key);
  if (present) return present;
  const answer = ask();
  answers.set(key, answer);
  answer.catch(() => answers.delete(key));
  return answer;
}

function namesByNamespace(profiles: readonly ProfileId[]): Map<string, string[]> {
  const names = new Map<string, string[]>();
  for (const { namespace, name } of profiles) {
    const present = names.get(namespace);
    if (present) present.push(name);
    else names.set(namespace, [name]);
  }
  return names;
}

function coversGet({ verbs, groups, resources }: ResourceRule): boolean {
  const has = (values: readonly string[], wanted: string): boolean =>
    values.includes(wanted) || values.includes('*');
  return has(verbs, 'get') && has(groups, profileGroup) && has(resources, profileResource);
}
