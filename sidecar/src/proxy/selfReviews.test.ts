import { describe, expect, it } from 'vitest';
import type { AccessRules } from '../clusters/accessPolicy.ts';
import type { TrafficVerb } from './requestVerb.ts';
import { answerAccessReview, answerRulesReview, isAccessReview, isRulesReview } from './selfReviews.ts';

type Rules = Pick<AccessRules, 'readOnly' | 'mode' | 'exposed'>;
const rules: Rules = { readOnly: false, mode: 'impersonate', exposed: [] };

interface Attributes {
  readonly verb?: unknown;
  readonly group?: string;
  readonly resource?: string;
  readonly subresource?: string;
  readonly path?: string;
}

interface Asked {
  readonly allowed?: boolean;
  readonly verbs: readonly string[];
}

/** What comes of it for somebody who may these; without an answer it is the cluster's. */
async function ask(
  attributes: Attributes,
  mayVerbs: readonly TrafficVerb[],
  { kind = 'resourceAttributes', under = rules } = {},
): Promise<Asked> {
  const verbs: string[] = [];
  const review = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { [kind]: attributes },
  };
  const answer = await answerAccessReview(review, {
    rules: under,
    may: (verb) => {
      verbs.push(verb);
      return Promise.resolve(mayVerbs.includes(verb));
    },
  });
  if (answer === undefined) return { verbs };
  expect(answer).toMatchObject(JSON.parse(JSON.stringify(review)) as object);
  return { allowed: (answer as { status: { allowed: boolean } }).status.allowed, verbs };
}

describe('may I', () => {
  it.each<[string, TrafficVerb]>([
    ['get', 'get'],
    ['list', 'get'],
    ['watch', 'get'],
    ['create', 'create'],
    ['update', 'update'],
    ['patch', 'patch'],
    ['delete', 'delete'],
    ['deletecollection', 'delete'],
  ])('ID-17: %s is no without %s on the hub, and the cluster’s to say with it', async (verb, needed) => {
    const others = (['get', 'create', 'update', 'patch', 'delete'] as const).filter(
      (each) => each !== needed,
    );
    expect(await ask({ verb, resource: 'pods' }, others)).toEqual({ allowed: false, verbs: [needed] });
    expect(await ask({ verb, resource: 'pods' }, [needed])).toEqual({ verbs: [needed] });
    expect((await ask({ verb, path: '/healthz' }, others, { kind: 'nonResourceAttributes' })).allowed).toBe(
      false,
    );
  });

  it.each(['exec', 'attach', 'portforward', 'proxy'])('ID-17: get %s needs create', async (subresource) => {
    for (const verb of ['get', 'create'])
      expect(await ask({ verb, resource: 'pods', subresource }, ['get'])).toEqual({
        allowed: false,
        verbs: ['create'],
      });
  });

  it('ID-17: everything needs everything', async () => {
    const all = ['get', 'create', 'update', 'patch', 'delete'] as const;
    expect((await ask({ verb: '*', resource: '*' }, all)).allowed).toBeUndefined();
    for (const missing of all)
      expect(
        (
          await ask(
            { verb: '*', resource: '*' },
            all.filter((each) => each !== missing),
          )
        ).allowed,
      ).toBe(false);
  });

  it.each(['impersonate', 'bind', '', undefined, 'constructor', '__proto__', 5])(
    'ID-17: the verb %j is never more than one’s own traffic could do',
    async (verb) => {
      expect(await ask({ verb, resource: 'users' }, ['get'])).toEqual({ allowed: false, verbs: ['create'] });
      expect((await ask({ verb, resource: 'users' }, ['create'])).allowed).toBeUndefined();
    },
  );
});

describe('under a read-only policy', () => {
  const under: Rules = { readOnly: true, mode: 'shared', exposed: [] };
  const all = ['get', 'create', 'update', 'patch', 'delete'] as const;

  it('ID-17: is no for what the policy refuses, whatever the hub says', async () => {
    expect((await ask({ verb: 'delete', resource: 'pods' }, all, { under })).allowed).toBe(false);
    expect((await ask({ verb: 'get', resource: 'pods', subresource: 'exec' }, all, { under })).allowed).toBe(
      false,
    );
    expect((await ask({ verb: 'list', resource: 'secrets' }, all, { under })).allowed).toBe(false);
    expect(
      (await ask({ verb: 'list', group: 'x.example', resource: 'secrets' }, all, { under })).allowed,
    ).toBeUndefined();
    expect((await ask({ verb: 'list', resource: 'pods' }, all, { under })).allowed).toBeUndefined();
    expect(
      (await ask({ verb: 'list', resource: 'secrets' }, all, { under: { ...under, mode: 'impersonate' } }))
        .allowed,
    ).toBeUndefined();
  });
});

it.each([{}, { spec: 5 }, { spec: { resourceAttributes: [] } }, { status: { allowed: true } }])(
  'ID-17: %j is answered with a no',
  async (review) => {
    const answer = await answerAccessReview(review, { rules, may: () => Promise.resolve(false) });
    expect(answer).toMatchObject({ status: { allowed: false } });
  },
);

it('ID-17: an error of the hub is no answer', async () => {
  const asked = answerAccessReview(
    { spec: { resourceAttributes: { verb: 'get' } } },
    { rules, may: () => Promise.reject(new Error('away')) },
  );
  await expect(asked).rejects.toThrow('away');
});

it('ID-17: is read from the exact path, with a query or without', () => {
  expect(isAccessReview('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews?x')).toBe(true);
  expect(isAccessReview('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews/')).toBe(false);
  expect(isRulesReview('POST', '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews?x')).toBe(true);
  expect(isRulesReview('GET', '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews')).toBe(false);
});

it('what may be done in a cluster that may not be opened is nothing, whatever the question says', () => {
  const review = { kind: 'SelfSubjectRulesReview', status: { resourceRules: [{ verbs: ['*'] }] } };
  expect(answerRulesReview(review)).toEqual({
    kind: 'SelfSubjectRulesReview',
    status: { resourceRules: [], nonResourceRules: [], incomplete: false },
  });
});
