import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ClustersResponse } from '../../src/api/clusterTypes.ts';
import { type FakeHub, profileObject, startFakeHub } from '../support/fakeHub.ts';
import { startSidecar, type TestContext, type TestSidecar } from '../support/startSidecar.ts';
import { until } from '../support/until.ts';

let hub: FakeHub;
let sidecar: TestSidecar | undefined;

beforeEach(async () => {
  hub = await startFakeHub();
  hub.items = [profileObject('a')];
});

afterEach(async () => {
  await sidecar?.close();
  sidecar = undefined;
  await hub.close();
});

const good = (): TestContext => ({ server: hub.root.server, user: { token: 't' } });

const withPlugin = (exec: object): TestContext => ({
  server: hub.root.server,
  user: { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'none', ...exec } },
});

const bad = (): Readonly<Record<string, TestContext>> => ({
  asking: withPlugin({ interactiveMode: 'Always' }),
  old: withPlugin({ apiVersion: 'client.authentication.k8s.io/v1alpha1' }),
  nowhere: { server: 'nonsense', user: { token: 't' } },
});

async function list(): Promise<ClustersResponse> {
  const response = await fetch(`http://127.0.0.1:${sidecar?.port ?? 0}/cluster-inventory/v1/clusters`);
  return (await response.json()) as ClustersResponse;
}

async function expectOnlyTheBadFail(): Promise<void> {
  await until('the bad ones fail', async () => {
    const { roots } = await list();
    return roots.filter(({ state }) => state === 'failing').length === 3;
  });
  const { roots, clusters } = await list();
  expect(Object.fromEntries(roots.map(({ name, reason }) => [name, reason]))).toEqual({
    'store/good': undefined,
    'store/asking': {
      code: 'kubeconfig-invalid',
      message: 'the plugin of store/asking asks at a terminal, and there is none',
    },
    'store/old': {
      code: 'kubeconfig-invalid',
      message: 'the plugin of store/old speaks an API version that is not served',
    },
    'store/nowhere': {
      code: 'kubeconfig-invalid',
      message: 'the server of store/nowhere is not a URL',
    },
  });
  expect(clusters.map(({ key }) => key)).toEqual(['store/good/default/a']);
  const { text } = (await sidecar?.readyz()) ?? {};
  expect(text).toContain('store/asking default failing: the plugin of store/asking asks at a terminal');
  expect(text).toContain('store/good default synced');
}

it('[DI-04] a context that cannot be used is a failing root with its reason, and stops no other', async () => {
  sidecar = await startSidecar({ ...bad(), good: good() });
  await until('the good one is listed', async () => (await list()).clusters.length === 1);
  await expectOnlyTheBadFail();
});

it('[DI-03, DI-04] so it is when it is written into the kubeconfig of a sidecar that runs', async () => {
  sidecar = await startSidecar({ good: good() });
  await until('the good one is listed', async () => (await list()).clusters.length === 1);
  await sidecar.writeKubeconfig({ ...bad(), good: good() });
  await expectOnlyTheBadFail();
});
