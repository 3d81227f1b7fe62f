import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ClusterDetail } from '../../src/api/clusterTypes.ts';
import { CodedError } from '../../src/foundation/errors.ts';
import { allowTraffic, person } from '../support/fakeReviews.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../support/recordingUpstream.ts';
import { type ApiServer, startApi } from '../support/startApi.ts';
import { clusterAt } from '../support/startProxy.ts';

let api: ApiServer;
let upstream: RecordingUpstream;

beforeEach(async () => {
  upstream = await startRecordingUpstream();
  api = await startApi({ clusters: ['a'], users: { 'ana-1': person('ana'), 'eve-1': person('eve') } });
  api.proxy.publish('a', clusterAt(upstream));
  const mayRead = allowTraffic({ ana: ['get'] });
  api.reviews.allows = (user, attributes) => attributes.subresource !== 'proxy' || mayRead(user, attributes);
});

afterEach(async () => {
  await api.close();
  await upstream.close();
});

const check = (token = 'ana-1', headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${api.url}/clusters/${api.proxy.entryOf('a').name}/check`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, ...headers },
  });
const stagesAfter = async (): Promise<string[]> => {
  const response = await check();
  expect(response.status).toBe(200);
  const { stages } = (await response.json()) as ClusterDetail;
  return stages.map(({ stage, state, code }) => `${stage} ${state}${code === undefined ? '' : ` ${code}`}`);
};
const answer = (status: string, body: string): void => {
  upstream.answers.push(`HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
};

const wellUntil = (count: number): string[] =>
  ['profile', 'access', 'credential', 'connection', 'api', 'permission']
    .slice(0, count)
    .map((each) => `${each} ok`);

describe('a check', () => {
  it('[ID-20] asks the cluster for its version, as the user, and finds every stage well', async () => {
    answer('200 OK', '{"gitVersion":"v1.34.1"}');
    expect(await stagesAfter()).toEqual(wellUntil(6));
    const [request] = upstream.heads;
    expect(request).toMatch(/^GET \/version HTTP\/1\.1\r\n/);
    expect(request).toContain('Authorization: Bearer token-1\r\n');
    expect(request).toContain('Impersonate-User: ana\r\n');
    expect(request).not.toContain('ana-1');
    expect(upstream.heads).toHaveLength(1);
  });

  it.each([
    ['a page', '200 OK', '<html>'],
    ['another object', '200 OK', '{}'],
    ['nothing there', '404 Not Found', '{}'],
    ['a fault', '500 Internal Server Error', '{"gitVersion":"v1"}'],
  ])('that gets %s for a version says so', async (_what, status, body) => {
    answer(status, body);
    expect(await stagesAfter()).toEqual([
      ...wellUntil(4),
      'api failed api-unexpected',
      'permission not-checked',
    ]);
    // The same again is no change of state.
    answer(status, body);
    await stagesAfter();
    expect(api.proxy.entryOf('a').history.map(({ state }) => state)).toEqual(['unreachable', 'not-checked']);
  });

  it('that the cluster refuses this user is an answer of its API', async () => {
    answer('403 Forbidden', '{}');
    // Asked whether the provider may impersonate at all.
    answer('201 Created', '{"status":{"allowed":true}}');
    expect(await stagesAfter()).toEqual(wellUntil(6));
  });

  it('[FA-20] whose plugin fails says so, with what it wrote, and asks no cluster', async () => {
    api.proxy.credentialsOf('a').answer = () =>
      Promise.reject(new CodedError('plugin-exited', 'it failed', { diagnosis: 'no such Secret' }));
    const response = await check();
    expect(await response.json()).toMatchObject({
      access: { state: 'credential-failed', code: 'plugin-exited' },
      diagnosis: 'no such Secret',
    });
    expect(upstream.connections).toHaveLength(0);
  });

  it('of a cluster that cannot be resolved, or not be reached, is an answer, too', async () => {
    api.proxy.publish('a', { server: 'ftp://x' });
    expect((await stagesAfter())[1]).toBe('access failed server-invalid');
    api.proxy.publish('a', { server: 'https://127.0.0.1:1' });
    expect((await stagesAfter())[3]).toBe('connection failed connection-refused');
  });

  it('[ID-11] needs the right to read from the cluster', async () => {
    const response = await check('eve-1');
    expect([response.status, response.headers.get('x-cluster-inventory-error')]).toEqual([
      403,
      'access-denied',
    ]);
    expect(upstream.connections).toHaveLength(0);
    expect(api.proxy.entryOf('a').status.state).toBe('not-checked');
  });

  it('[ID-09] is for no page of another origin, and by cookie for none that does not say where it is from', async () => {
    expect((await check('ana-1', { origin: 'https://evil.example.com' })).status).toBe(403);
    const cookie = `cluster-inventory-session.0=ana-1`;
    const response = await fetch(`${api.url}/clusters/${api.proxy.entryOf('a').name}/check`, {
      method: 'POST',
      headers: { cookie },
    });
    expect([response.status, response.headers.get('x-cluster-inventory-error')]).toEqual([
      403,
      'origin-refused',
    ]);
    expect(upstream.connections).toHaveLength(0);
  });

  it('[ID-30] is in the audit log, refused or not', async () => {
    answer('200 OK', '{"gitVersion":"v1.34.1"}');
    await check();
    await check('eve-1');
    const lines = api.proxy.auditLines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toMatchObject([
      { event: 'check', user: 'ana', decision: 'allow', verb: 'get' },
      { event: 'check', user: 'eve', decision: 'deny', code: 'access-denied' },
    ]);
  });

  it('[ID-10, ID-15] tells whoever may use a cluster and not see it nothing that the inventory says of it', async () => {
    const mayRead = allowTraffic({ ana: ['get'] });
    api.reviews.allows = mayRead;
    answer('200 OK', '{"gitVersion":"v1.34.1"}');
    const response = await check();
    expect(response.status).toBe(404);
    expect(response.headers.get('x-cluster-inventory-error')).toBe('cluster-unknown');
    expect(await response.text()).not.toContain('profileName');
  });
});
