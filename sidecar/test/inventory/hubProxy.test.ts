import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createHubClient, type HubClient } from '../../src/inventory/hubClient.ts';
import { createHubCredential } from '../../src/inventory/hubCredential.ts';
import type { Root } from '../../src/inventory/root.ts';
import { codedErrorOf } from '../support/codedErrorOf.ts';
import { type ForwardProxy, startForwardProxy } from '../support/fakeForwardProxy.ts';
import { sendJson } from '../support/fakeHub.ts';
import { createManualClock } from '../support/manualClock.ts';
import { createSelfSignedPair } from '../support/selfSignedPair.ts';

const publicPair = createSelfSignedPair('proxy', { addresses: ['127.0.0.1'] });
setDefaultCACertificates([...getCACertificates('default'), publicPair.certificate]);

const hubPair = createSelfSignedPair('hub', { names: ['hub.invalid'], addresses: ['10.1.2.3'] });
const user = { name: 'us er', password: 'p:ss' };

describe.each(['http', 'https', 'socks5'] as const)('[DI-02] a hub behind an %s proxy', (kind) => {
  let server: ReturnType<typeof createServer>;
  let forward: ForwardProxy;
  const clients: HubClient[] = [];

  beforeEach(async () => {
    server = createServer({ cert: hubPair.certificate, key: hubPair.key }, (request, response) => {
      if (request.url === '/watch') response.flushHeaders();
      else sendJson(response, 200, {});
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    forward = await startForwardProxy({
      kind,
      pair: publicPair,
      targetPort: (server.address() as AddressInfo).port,
      user,
    });
  });

  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await forward.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  function open(proxyUrl: string, server = 'https://hub.invalid:6443'): HubClient {
    const root: Root = {
      name: 'store/hub',
      defaultNamespace: 'a',
      server,
      ca: hubPair.certificate,
      insecureSkipVerify: false,
      proxyUrl,
      user: { token: 'of-the-hub' },
    };
    const client = createHubClient(
      root,
      createHubCredential(root, createManualClock(), () => {
        throw new Error('no plugin here');
      }),
    );
    clients.push(client);
    return client;
  }

  const request = { signal: AbortSignal.timeout(20_000) };

  it('is asked through it, by the name that it alone resolves, beside an open watch', async () => {
    const client = open(`${kind}://us%20er:p%3Ass@127.0.0.1:${forward.port}`);
    const watch = await client.get('/watch', request);
    const { status, body } = await client.get('/version', request);
    body.resume();
    watch.body.destroy();
    expect(status).toBe(200);
    expect(forward.asked[0]).toContain('hub.invalid:6443');
    expect(forward.carried).not.toMatch(/ HTTP\/1\.1|of-the-hub/);
  });

  it('is asked by its address where it has no name', async () => {
    const client = open(`${kind}://us%20er:p%3Ass@127.0.0.1:${forward.port}`, 'https://10.1.2.3:6443');
    const { status, body } = await client.get('/version', request);
    body.resume();
    expect(status).toBe(200);
    expect(forward.asked[0]).toContain(kind === 'socks5' ? 'address:0a010203:6443' : '10.1.2.3:6443');
  });

  it('is not reached with a wrong password, of which the reason says nothing', async () => {
    const client = open(`${kind}://us%20er:other-pass@127.0.0.1:${forward.port}`);
    const error = await codedErrorOf(() => client.get('/version', request));
    expect(error.code).toBe('hub-unreachable');
    expect(error.message).not.toMatch(/other-pass|127\.0\.0\.1/);
    expect(String(error.cause)).not.toContain('other-pass');
  });
});
