import { afterEach, beforeEach, expect, it } from 'vitest';
import { type FakeHub, sendJson, startFakeHub } from '../support/fakeHub.ts';
import { startSidecar, type TestContext } from '../support/startSidecar.ts';
import { codedErrorOf } from '../support/codedErrorOf.ts';
import { until } from '../support/until.ts';

let hub: FakeHub;
beforeEach(async () => {
  hub = await startFakeHub();
});
afterEach(() => hub.close());

const context = (): TestContext => ({ server: hub.root.server, user: { token: 't' } });

it('[ID-07] users are those of one hub: with several roots the process does not start', async () => {
  const contexts = { one: context(), two: context() };
  const error = await codedErrorOf(async () => {
    const sidecar = await startSidecar(contexts, '--auth=hub');
    await sidecar.close();
  });
  expect(error.code).toBe('options-invalid');
  expect(error.message).toContain('there are 2 roots');
  const sidecar = await startSidecar(contexts, '--auth=hub', '--contexts=two');
  await sidecar.close();
});

it('[ID-07] nobody is known any more once a second hub is written into the kubeconfig', async () => {
  hub.intercept = (request, response) => {
    if (request.method !== 'POST') return false;
    sendJson(response, 201, { status: { authenticated: false } });
    return true;
  };
  const sidecar = await startSidecar({ one: context() }, '--auth=hub');
  let count = 0;
  // A token each: what was refused is remembered.
  const ask = async (): Promise<string | null> => {
    const { headers } = await fetch(`http://127.0.0.1:${sidecar.port}/cluster-inventory/v1/clusters`, {
      headers: { authorization: `Bearer token-${++count}` },
    });
    return headers.get('x-cluster-inventory-error');
  };
  expect(await ask()).toBe('token-rejected');
  await sidecar.writeKubeconfig({ one: context(), two: context() });
  await until('nobody can be asked', async () => (await ask()) === 'reviews-unavailable');
  await sidecar.close();
});
