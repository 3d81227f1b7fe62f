import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ClusterDetail } from '../../src/api/clusterTypes.ts';
import { CodedError } from '../../src/foundation/errors.ts';
import { person } from '../support/fakeReviews.ts';
import { type ApiServer, somewhere, startApi } from '../support/startApi.ts';

let api: ApiServer;

beforeEach(async () => {
  api = await startApi({
    clusters: ['a'],
    users: { 'ana-1': person('ana'), 'eve-1': person('eve'), 'nobody-1': person('nobody') },
  });
  api.reviews.allows = ({ name }, { subresource }) =>
    name === 'ana' || (name === 'eve' && subresource !== 'proxy');
});

afterEach(() => api.close());

async function detail(token = 'ana-1', name = api.proxy.entryOf('a').name): Promise<ClusterDetail> {
  const response = await fetch(`${api.url}/clusters/${encodeURIComponent(name)}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  expect(response.status).toBe(200);
  return (await response.json()) as ClusterDetail;
}

const stagesOf = ({ stages }: ClusterDetail): string[] =>
  stages.map(({ stage, state }) => `${stage} ${state}`);

describe('one cluster', () => {
  it('not used yet: what is known without asking anybody is said', async () => {
    expect(await detail()).toMatchObject({
      profileName: 'a',
      access: { state: 'not-checked' },
      accessProviders: ['provider'],
      conditions: [],
      mayUse: true,
      transitions: [{ state: 'not-checked' }],
    });
    expect(stagesOf(await detail())).toEqual([
      'profile ok',
      'access ok',
      'credential not-checked',
      'connection not-checked',
      'api not-checked',
      'permission not-checked',
    ]);
  });

  it('used: every stage is well', async () => {
    api.proxy.entryOf('a').report('ok');
    expect(stagesOf(await detail()).every((stage) => stage.endsWith(' ok'))).toBe(true);
  });

  it.each([
    ['plugin-timeout', 'credential', 2],
    ['tls-untrusted', 'connection', 3],
    ['provider-may-not-impersonate', 'permission', 5],
  ] as const)(
    'failed by %s: what came before %s is well, and of what comes after nothing is known',
    async (code, stage, at) => {
      api.clock.advance(1000);
      api.proxy.entryOf('a').report(new CodedError(code, 'why'));
      const { stages, transitions } = await detail();
      expect(stages[at]).toEqual({
        stage,
        state: 'failed',
        code,
        message: 'why',
        since: new Date(api.clock.now()).toISOString(),
      });
      expect(stages.slice(0, at).map(({ state }) => state)).toEqual(Array(at).fill('ok'));
      expect(stages.slice(at + 1).map(({ state }) => state)).toEqual(Array(5 - at).fill('not-checked'));
      expect(transitions).toMatchObject([{ code }, { state: 'not-checked' }]);
    },
  );

  it('that cannot be resolved: its access failed', async () => {
    api.proxy.publish('a', { server: 'ftp://x' });
    const { stages } = await detail();
    expect(stages.slice(0, 2)).toMatchObject([
      { stage: 'profile', state: 'ok' },
      { stage: 'access', state: 'failed', code: 'server-invalid' },
    ]);
  });

  it('[EX-15] what the plugin wrote is for those who may use the cluster, and in no list', async () => {
    api.proxy.entryOf('a').report(new CodedError('plugin-exited', 'it failed', { diagnosis: 'canary' }));
    expect(await detail()).toMatchObject({ mayUse: true, diagnosis: 'canary' });
    const forEve = await detail('eve-1');
    expect(forEve).toMatchObject({ mayUse: false, access: { code: 'plugin-exited' } });
    expect(JSON.stringify(forEve)).not.toContain('canary');
    const list = await fetch(`${api.url}/clusters`, { headers: { authorization: 'Bearer ana-1' } });
    expect(await list.text()).not.toContain('canary');
  });

  it('[ID-10] has no address of an API server', async () => {
    api.proxy.publish('a', somewhere);
    expect(JSON.stringify(await detail())).not.toContain('api.example.com');
  });

  it('[ID-15] that somebody may not see is as one that does not exist', async () => {
    const ask = async (name: string): Promise<unknown> => {
      const response = await fetch(`${api.url}/clusters/${name}`, {
        headers: { authorization: 'Bearer nobody-1' },
      });
      return [response.status, await response.json()];
    };
    expect(await ask(api.proxy.entryOf('a').name)).toEqual(await ask('cluster-inventory-none'));
  });
});
