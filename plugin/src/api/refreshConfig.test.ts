import { describe, expect, it, vi } from 'vitest';
import { refreshConfig } from './refreshConfig.ts';

const storeOf = (config: unknown) => ({ getState: () => ({ config }), dispatch: vi.fn() });

describe('refreshConfig', () => {
  it('hands the clusters of /config to the store by their names, as Headlamp does', async () => {
    const store = storeOf({ clusters: {} });
    const main = { name: 'main' };
    const renamed = { name: 'b', meta_data: { extensions: { headlamp_info: { customName: 'Bee' } } } };
    const send = vi.fn(() => Promise.resolve({ clusters: [main, renamed], isDynamicClusterEnabled: true }));
    await refreshConfig(send, store);
    expect(send).toHaveBeenCalledWith('/config', {}, false, false);
    expect(store.dispatch).toHaveBeenCalledExactlyOnceWith({
      type: 'config/setConfig',
      payload: { clusters: { main, Bee: renamed }, isDynamicClusterEnabled: true },
    });
  });

  it.each([
    ['a failure', () => Promise.reject(new Error('no'))],
    ['an answer without clusters', () => Promise.resolve({})],
    ['an answer that is none', () => Promise.resolve('x')],
  ])('leaves the store as it is after %s', async (_what, send) => {
    const store = storeOf({ clusters: {} });
    await refreshConfig(send, store);
    expect(store.dispatch).not.toHaveBeenCalled();
  });

  it.each([undefined, {}, { clusters: null }])(
    'UI-26: asks nothing of a Headlamp whose store has config %j',
    async (config) => {
      const send = vi.fn(() => Promise.resolve({ clusters: [] }));
      const store = storeOf(config);
      await refreshConfig(send, store);
      expect(send).not.toHaveBeenCalled();
      expect(store.dispatch).not.toHaveBeenCalled();
    },
  );
});
