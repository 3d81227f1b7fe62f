import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HubSession } from '../../src/dashboard/hubSession.ts';
import { CodedError } from '../../src/foundation/errors.ts';
import type { Gate } from '../../src/identity/gate.ts';
import { exchangeRaw } from '../support/rawClient.ts';
import { type Proxy, startProxy } from '../support/startProxy.ts';

const nobody = (): Promise<never> => Promise.reject(new CodedError('sign-in-required'));
const held: Gate['holdSession'] = () => ({ signal: new AbortController().signal, release: () => undefined });
const gate: Gate = {
  identify: nobody,
  recognize: () => undefined,
  identifyToken: nobody,
  authorize: nobody,
  isAuthorized: () => false,
  may: nobody,
  whatIsVisible: nobody,
  holdStream: held,
  holdSession: held,
  knows: () => false,
  renew: () => undefined,
  signOut: () => undefined,
};
const session: HubSession = {
  copyCookies: () => [],
  setToken: () => Promise.reject(new CodedError('dashboard-unreachable')),
  renew: () => Promise.resolve(undefined),
};

describe('the OIDC sign-in of a discovered cluster', () => {
  let proxy: Proxy;
  beforeEach(async () => {
    proxy = await startProxy({ clusters: {}, gate, session });
  });
  afterEach(() => proxy.close());

  it('[ID-05] goes on as the hub’s', async () => {
    const target = '/oidc?dt=Wed%20Nov&cluster=cluster-inventory-store--hub--fleet--a--0123456789ab';
    expect((await exchangeRaw(proxy.port, proxy.request(`GET ${target}`))).status).toBe(200);
    expect(proxy.toDashboard).toEqual(['GET /oidc?dt=Wed+Nov&cluster=main']);
  });

  it('[PX-02, PX-45] is the only thing of the dashboard that may name one', async () => {
    for (const line of [
      'POST /oidc?cluster=cluster-inventory-a',
      'GET /oidc/?cluster=cluster-inventory-a',
      'GET /drain-nodes?cluster=cluster-inventory-a',
      'GET /oidcx?cluster=Cluster-Inventory-A',
    ])
      expect((await exchangeRaw(proxy.port, proxy.request(line))).status).toBe(501);
    expect(proxy.toDashboard).toEqual([]);
  });

  it('of one of the dashboard’s own goes on as it is', async () => {
    await exchangeRaw(proxy.port, proxy.request('GET /oidc?dt=1&cluster=other'));
    expect(proxy.toDashboard).toEqual(['GET /oidc?dt=1&cluster=other']);
  });
});
