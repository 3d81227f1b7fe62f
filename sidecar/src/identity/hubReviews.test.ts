import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { codedErrorOf } from '../../test/support/codedErrorOf.ts';
import { person } from '../../test/support/fakeReviews.ts';
import { CodedError } from '../foundation/errors.ts';
import type { HubClient, HubResponse } from '../inventory/hubClient.ts';
import { createHubReviews } from './hubReviews.ts';

type Answer = { readonly status?: number; readonly body: unknown } | Error;

function setUp(answer: Answer = { body: {} }) {
  const sent: { as: string; path: string; object: object }[] = [];
  const reply = (as: string, path: string, object: object): Promise<HubResponse> => {
    sent.push({ as, path, object });
    if (answer instanceof Error) return Promise.reject(answer);
    const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body);
    return Promise.resolve({ status: answer.status ?? 201, body: Readable.from([Buffer.from(text)]) });
  };
  const client: HubClient = {
    get: () => Promise.reject(new Error('not asked')),
    post: (path, object) => reply('sidecar', path, object),
    postAs: (token, path, object) => reply(token, path, object),
    close: () => undefined,
  };
  return { reviews: createHubReviews(() => client), sent };
}

const attributes = { verb: 'get', group: 'g', resource: 'r', subresource: 's', namespace: 'ns', name: 'n' };
const ana = person('ana', { uid: '1', groups: ['a'], extra: { key: ['x'] } });

describe('a token', () => {
  it('ID-01: is reviewed as it is, for no audience', async () => {
    const user = { username: 'ana', uid: '1', groups: ['a'], extra: { key: ['x'] } };
    const { reviews, sent } = setUp({ body: { status: { authenticated: true, user } } });
    expect(await reviews.reviewToken('secret')).toEqual(ana);
    expect(sent).toEqual([
      {
        as: 'sidecar',
        path: '/apis/authentication.k8s.io/v1/tokenreviews',
        object: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: 'secret' } },
      },
    ]);
  });

  it.each<[string, unknown]>([
    ['is not authenticated', { authenticated: false, user: { username: 'ana' } }],
    ['is authenticated only as a text', { authenticated: 'true', user: { username: 'ana' } }],
    ['names nobody', { authenticated: true, user: { username: '' } }],
    ['has no user', { authenticated: true }],
    ['is anonymous', { authenticated: true, user: { username: 'system:anonymous' } }],
    [
      'is unauthenticated',
      { authenticated: true, user: { username: 'x', groups: ['system:unauthenticated'] } },
    ],
    ['is nothing', undefined],
    ['is a list', []],
  ])('ID-01, TH-04: that %s is nobody’s', async (_how, status) => {
    expect(await setUp({ body: { status } }).reviews.reviewToken('t')).toBeUndefined();
  });

  it('ID-01: what is not text in it is left out', async () => {
    const user = { username: 'ana', uid: 5, groups: ['a', 5, null], extra: { key: ['x', 5], odd: 'x' } };
    const { reviews } = setUp({ body: { status: { authenticated: true, user } } });
    expect(await reviews.reviewToken('t')).toEqual({
      name: 'ana',
      uid: '',
      groups: ['a'],
      extra: { key: ['x'], odd: [] },
    });
  });
});

describe('a right', () => {
  it('ID-13: is asked about with the whole identity', async () => {
    const { reviews, sent } = setUp({ body: { status: { allowed: true } } });
    expect(await reviews.mayAccess(ana, attributes)).toBe(true);
    expect(sent[0]).toMatchObject({
      as: 'sidecar',
      path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
      object: {
        kind: 'SubjectAccessReview',
        spec: { user: 'ana', uid: '1', groups: ['a'], extra: { key: ['x'] }, resourceAttributes: attributes },
      },
    });
  });

  it.each<[string, unknown]>([
    ['no', { allowed: false }],
    ['denied', { allowed: true, denied: true }],
    ['a text', { allowed: 'true' }],
    ['nothing', undefined],
    ['an error', { allowed: false, evaluationError: 'x' }],
  ])('ID-13: is none where the answer is %s', async (_what, status) => {
    expect(await setUp({ body: { status } }).reviews.mayAccess(ana, attributes)).toBe(false);
  });
});

describe('what somebody may see', () => {
  it('ID-10: is asked as themselves', async () => {
    const resourceRules = [
      { verbs: ['get'], apiGroups: ['g'], resources: ['r'], resourceNames: ['a', 'b'] },
      { verbs: ['list'], apiGroups: ['g'], resources: ['r'] },
      5,
    ];
    const { reviews, sent } = setUp({ body: { status: { resourceRules } } });
    expect(await reviews.listRules('secret', 'ns')).toEqual([
      { verbs: ['get'], groups: ['g'], resources: ['r'], names: ['a', 'b'] },
      { verbs: ['list'], groups: ['g'], resources: ['r'], names: [] },
      { verbs: [], groups: [], resources: [], names: [] },
    ]);
    expect(sent[0]).toMatchObject({ as: 'secret', object: { spec: { namespace: 'ns' } } });
  });
});

describe('a hub that cannot be asked', () => {
  it.each<[string, Answer]>([
    ['does not answer', new CodedError('hub-unreachable')],
    ['breaks', new Error('broken')],
    ['answers 500', { status: 500, body: { status: { allowed: true, authenticated: true } } }],
    ['answers 503', { status: 503, body: '' }],
    ['answers 429', { status: 429, body: '' }],
    ['answers 401', { status: 401, body: '' }],
    ['answers 403', { status: 403, body: { status: 'Failure' } }],
    ['answers no JSON', { body: '<html>' }],
    ['answers too much', { body: 'x'.repeat(4 * 1024 * 1024 + 1) }],
  ])('[ID-13, ID-18] because it %s says neither yes nor no', async (_how, answer) => {
    for (const ask of [
      () => setUp(answer).reviews.reviewToken('t'),
      () => setUp(answer).reviews.mayAccess(ana, attributes),
      () => setUp(answer).reviews.listRules('t', 'ns'),
    ])
      expect((await codedErrorOf(ask)).code).toBe('reviews-unavailable');
  });

  it('[ID-18] because there is none says neither', async () => {
    const reviews = createHubReviews(() => undefined);
    expect((await codedErrorOf(() => reviews.reviewToken('t'))).code).toBe('reviews-unavailable');
  });
});
