import { afterEach, beforeEach, expect, it } from 'vitest';
import { type FakeHub, startFakeHub } from '../support/fakeHub.ts';
import { startSidecar, type TestContext } from '../support/startSidecar.ts';
import { codedErrorOf } from '../support/codedErrorOf.ts';

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
