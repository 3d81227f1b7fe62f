import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createHubClient, type HubClient } from '../../src/inventory/hubClient.ts';
import { createHubCredential, type HubCredential } from '../../src/inventory/hubCredential.ts';
import { type FakeHub, sendJson, startFakeHub } from '../support/fakeHub.ts';
import { createManualClock, type ManualClock } from '../support/manualClock.ts';
import { createSelfSignedPair } from '../support/selfSignedPair.ts';

const asked = { signal: new AbortController().signal };
const noPlugin = (): never => {
  throw new Error('no plugin here');
};

async function statusOf(client: HubClient): Promise<number> {
  const { status, body } = await client.get('/version', asked);
  body.resume();
  return status;
}

describe('a hub that answers 401', () => {
  let hub: FakeHub;
  let client: HubClient;
  let token: string;

  const start = (): void => {
    const credential: HubCredential = {
      get: () => Promise.resolve({ authorization: `Bearer ${token}` }),
      renew: () => {
        token = 'rotated';
      },
      close: () => undefined,
    };
    client = createHubClient(hub.root, credential);
  };
  const accept = (good: string): void => {
    hub.intercept = (request, response) => {
      sendJson(response, request.headers.authorization === `Bearer ${good}` ? 200 : 401, {});
      return true;
    };
  };

  beforeEach(async () => {
    hub = await startFakeHub();
    token = 'old';
    start();
  });

  afterEach(async () => {
    client.close();
    await hub.close();
  });

  it('[DI-15] is asked again with the credential that there is now', async () => {
    accept('rotated');
    expect(await statusOf(client)).toBe(200);
    expect(hub.requests.map(({ authorization }) => authorization)).toEqual(['Bearer old', 'Bearer rotated']);
  });

  it('[DI-15] is asked again once', async () => {
    accept('another');
    expect(await statusOf(client)).toBe(401);
    expect(hub.requests).toHaveLength(2);
  });
});

describe('a token in a file', () => {
  let folder: string;
  let clock: ManualClock;
  let credential: HubCredential;

  const write = (text: string): Promise<void> => writeFile(join(folder, 'token'), text);
  const read = async (): Promise<string | undefined> => (await credential.get()).authorization;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hub-token-'));
    clock = createManualClock();
    await write('first\n');
    const user = { tokenFile: join(folder, 'token') };
    const root = {
      name: 'in-cluster',
      defaultNamespace: 'a',
      server: 'https://hub',
      insecureSkipVerify: false,
    };
    credential = createHubCredential({ ...root, user }, clock, noPlugin);
    expect(await read()).toBe('Bearer first');
  });

  afterEach(() => rm(folder, { recursive: true }));

  it('[DI-15] is read again after 10 s, and at once after a 401', async () => {
    await write('second');
    expect(await read()).toBe('Bearer first');
    clock.advance(10_000);
    expect(await read()).toBe('Bearer second');
    await write('third');
    credential.renew();
    expect(await read()).toBe('Bearer third');
  });

  it('[DI-15] still serves while its file is being written, or is not there', async () => {
    await write('');
    clock.advance(10_000);
    expect(await read()).toBe('Bearer first');
    await rm(join(folder, 'token'));
    clock.advance(10_000);
    expect(await read()).toBe('Bearer first');
  });
});

it('[ID-10] what users may is asked by their token alone, whatever certificate the sidecar has', async () => {
  const pair = createSelfSignedPair('hub', { addresses: ['127.0.0.1'] });
  const own = createSelfSignedPair('sidecar');
  const seen: (string | undefined)[][] = [];
  const server = createServer(
    { cert: pair.certificate, key: pair.key, requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      const shown = request.socket instanceof TLSSocket ? request.socket.getPeerX509Certificate() : undefined;
      seen.push([shown?.subject, request.headers.authorization]);
      sendJson(response, 201, {});
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const root = {
    name: 'store/hub',
    defaultNamespace: 'a',
    server: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ca: pair.certificate,
    insecureSkipVerify: false,
    user: { clientCertificate: { certificate: own.certificate, key: own.key } },
  };
  const client = createHubClient(root, createHubCredential(root, createManualClock(), noPlugin));
  (await client.get('/version', asked)).body.resume();
  (await client.postAs('of-ana', '/review', {}, asked)).body.resume();
  expect(seen).toEqual([
    ['CN=sidecar', undefined],
    [undefined, 'Bearer of-ana'],
  ]);
  client.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
