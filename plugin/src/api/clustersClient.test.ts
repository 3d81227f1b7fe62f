import { describe, expect, it, vi } from 'vitest';
import { sampleCluster, sampleInventory } from '../../test/sampleInventory.ts';
import { createClustersClient, type SendRequest } from './clustersClient.ts';

function jsonAnswer(body: BodyInit, contentType = 'application/json; charset=utf-8'): Response {
  return new Response(body, { headers: { 'Content-Type': contentType } });
}

function clientOf(answer: () => unknown) {
  return createClustersClient(() => Promise.resolve(answer()));
}

describe('createClustersClient', () => {
  it('asks the sidecar once, apart from any cluster and without signing out', async () => {
    const sendRequest = vi.fn<SendRequest>(() =>
      Promise.resolve(jsonAnswer(JSON.stringify(sampleInventory()))),
    );
    const result = await createClustersClient(sendRequest).list();
    expect(result).toEqual({ ok: true, response: sampleInventory() });
    expect(sendRequest.mock.calls).toEqual([
      [
        '/cluster-inventory/v1/clusters',
        { isJSON: false, signal: expect.any(AbortSignal) as unknown },
        false,
        false,
      ],
    ]);
  });

  it('gives the same object again for an unchanged answer, and another for a changed one', async () => {
    let inventory = sampleInventory();
    const client = clientOf(() => jsonAnswer(JSON.stringify(inventory)));
    const first = await client.list();
    expect(await client.list()).toBe(first);
    inventory = sampleInventory([sampleCluster({ stale: true })]);
    expect(await client.list()).toEqual({ ok: true, response: inventory });
  });

  it('gives the same object again after a failure in between', async () => {
    const answers = [200, 503, 200];
    const client = createClustersClient(() =>
      answers.shift() === 200
        ? Promise.resolve(jsonAnswer(JSON.stringify(sampleInventory())))
        : Promise.reject(Object.assign(new Error('down'), { status: 503 })),
    );
    const first = await client.list();
    expect(await client.list()).toEqual({ ok: false, failure: 'unreachable' });
    expect(await client.list()).toBe(first);
  });

  it.each([
    [401, 'signed-out'],
    [403, 'forbidden'],
    [404, 'sidecar-missing'],
    [408, 'unreachable'],
    [502, 'unreachable'],
    [503, 'unreachable'],
    [504, 'unreachable'],
    [500, 'failed'],
    [undefined, 'failed'],
  ])('UI-07: takes an error with status %s for %s', async (status, failure) => {
    const error = Object.assign(new Error('refused'), { status });
    expect(await createClustersClient(() => Promise.reject(error)).list()).toEqual({ ok: false, failure });
  });

  it("UI-07: sees in Headlamp's own page that the sidecar is missing", async () => {
    const client = clientOf(() => jsonAnswer('<!doctype html>', 'text/html; charset=utf-8'));
    expect(await client.list()).toEqual({ ok: false, failure: 'sidecar-missing' });
  });

  it('sees it also in an answer without a type', async () => {
    const client = clientOf(() => new Response(new Uint8Array([123, 125])));
    expect(await client.list()).toEqual({ ok: false, failure: 'sidecar-missing' });
  });

  it.each([
    ['no JSON', '{"apiVersion":'],
    ['null', 'null'],
    ['a list', '[]'],
    ['another version', JSON.stringify({ ...sampleInventory(), apiVersion: 'cluster-inventory/v2' })],
    ['no version', JSON.stringify({ apiVersion: 'cluster-inventory/v1', clusters: [], roots: [] })],
    ['no clusters', JSON.stringify({ apiVersion: 'cluster-inventory/v1', version: 'v', roots: [] })],
    ['clusters that are no list', JSON.stringify({ ...sampleInventory(), clusters: {} })],
    ['no roots', JSON.stringify({ apiVersion: 'cluster-inventory/v1', version: 'v', clusters: [] })],
  ])('does not trust an answer that is %s', async (_what, body) => {
    expect(await clientOf(() => jsonAnswer(body)).list()).toEqual({ ok: false, failure: 'failed' });
  });

  it('does not trust anything but a Response', async () => {
    expect(await clientOf(() => sampleInventory()).list()).toEqual({ ok: false, failure: 'failed' });
  });

  it('takes a connection that breaks in the body for one that does not answer', async () => {
    const body = new ReadableStream({ start: (stream) => stream.error(new TypeError('terminated')) });
    expect(await clientOf(() => jsonAnswer(body)).list()).toEqual({ ok: false, failure: 'unreachable' });
  });

  it('does not wait forever for a body that stalls', async () => {
    const stall: SendRequest = (_path, { signal }) => {
      const body = new ReadableStream({
        start: (stream) => signal?.addEventListener('abort', () => stream.error(signal.reason)),
      });
      return Promise.resolve(jsonAnswer(body));
    };
    expect(await createClustersClient(stall, 20).list()).toEqual({ ok: false, failure: 'unreachable' });
  });
});
