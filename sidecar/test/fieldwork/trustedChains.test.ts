import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exchangeRaw, openRawClient, parseAnswer } from '../support/rawClient.ts';
import { answerWith, type RecordingUpstream, startRecordingUpstream } from '../support/recordingUpstream.ts';
import { createIssuedPair, createSelfSignedPair, type SelfSignedPair } from '../support/selfSignedPair.ts';
import { type Proxy, startProxy } from '../support/startProxy.ts';
import { createFreshPki, type FreshPki, refillCluster, serverNames } from './freshPki.ts';

/** The forms of certificate authority data that Go takes and Node alone does not, and what such a server shows. */
const forms = {
  'an intermediate': {
    published: { file: '15-tls-and-url-variants.yaml', profile: 'tls-intermediate-only' },
    shows: 'leaf-of-intermediate',
    basePath: '',
  },
  'the own certificate of the server': {
    published: { file: '15-tls-and-url-variants.yaml', profile: 'tls-leaf-only' },
    shows: 'leaf',
    basePath: '',
  },
  'a root in PEM with CRLF': {
    published: { file: '15-tls-and-url-variants.yaml', profile: 'tls-crlf-pem' },
    shows: 'leaf',
    basePath: '',
  },
  'a bundle with the certificate of the server first': {
    published: { file: '01-ocm-cluster-proxy.yaml', profile: 'edge-01' },
    shows: 'leaf',
    basePath: '/edge-01',
  },
} as const;
type Form = keyof typeof forms;

const ways = ['request', 'websocket', 'SPDY/3.1'] as const;
type Way = (typeof ways)[number];

let pki: FreshPki;
const toClose: { close(): Promise<void> }[] = [];

beforeEach(() => {
  pki = createFreshPki();
});

afterEach(async () => {
  for (const each of toClose.splice(0).reverse()) await each.close();
});

/** A cluster of this form whose server shows this certificate. */
async function start(
  form: Form,
  shown: Pick<SelfSignedPair, 'certificate' | 'key'>,
): Promise<{ readonly upstream: RecordingUpstream; readonly proxy: Proxy }> {
  const upstream = await startRecordingUpstream({ tls: { cert: shown.certificate, key: shown.key } });
  toClose.push(upstream);
  const proxy = await startProxy({
    clusters: { a: refillCluster(forms[form].published, upstream.port, pki) },
  });
  toClose.push(proxy);
  return { upstream, proxy };
}

/** The target of the request at the cluster, and its answer's status. */
async function reach({ upstream, proxy }: Awaited<ReturnType<typeof start>>, way: Way): Promise<string[]> {
  const path = '/api/v1/namespaces/n/pods/p/exec?command=sh';
  if (way === 'request') {
    upstream.answers.push(answerWith('{}'));
    const { status } = await exchangeRaw(proxy.port, proxy.request(`GET ${proxy.pathOf('a')}${path}`));
    return [upstream.heads.at(-1)?.split(' ')[1] ?? '', String(status)];
  }
  upstream.answers.push(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${way}\r\n\r\nfrom the cluster`,
  );
  const client = await openRawClient(proxy.port);
  client.send(upgradeRequest(proxy, path, way));
  const { status } = parseAnswer(await client.waitFor('from the cluster'));
  client.send('from the client');
  await upstream.connections.at(-1)?.waitFor('from the client');
  client.socket.destroy();
  return [upstream.heads.at(-1)?.split(' ')[1] ?? '', String(status)];
}

function upgradeRequest(proxy: Proxy, path: string, way: Way): string {
  return [
    `GET ${proxy.pathOf('a')}${path} HTTP/1.1`,
    `Host: ${proxy.host}`,
    'Connection: Upgrade',
    `Upgrade: ${way}`,
    '\r\n',
  ].join('\r\n');
}

describe('[S09, AC-22] a certificate authority that Go takes', () => {
  it.each(Object.keys(forms) as Form[])('%s is trusted by request, WebSocket and SPDY', async (form) => {
    const { shows, basePath } = forms[form];
    const cluster = await start(form, pki[shows]);
    for (const way of ways) {
      expect(await reach(cluster, way), way).toEqual([
        `${basePath}/api/v1/namespaces/n/pods/p/exec?command=sh`,
        way === 'request' ? '200' : '101',
      ]);
    }
    expect(cluster.proxy.entryOf('a').status.state).toBe('ready');
  });

  it('a bundle holds with the next certificate of the server, for the root in it', async () => {
    const next = createIssuedPair(pki.root, pki.leaf.commonName, serverNames);
    const cluster = await start('a bundle with the certificate of the server first', next);
    for (const way of ways) expect((await reach(cluster, way))[1]).toBe(way === 'request' ? '200' : '101');
  });
});

describe('[S09, AC-22, FA-30] a chain that is not anchored there', () => {
  const strangers: Readonly<Record<Form, Readonly<Record<string, () => SelfSignedPair>>>> = {
    'an intermediate': {
      'one of the root above it': () => pki.leaf,
      'one of an intermediate of the same name': () =>
        createIssuedPair(
          createIssuedPair(pki.root, pki.intermediate.commonName, { isAuthority: true }),
          'spoke-behind-intermediate',
          serverNames,
        ),
      'one that signs itself': () => createSelfSignedPair('spoke-behind-intermediate', serverNames),
    },
    'the own certificate of the server': {
      'another one of the same root and name': () =>
        createIssuedPair(pki.root, pki.leaf.commonName, serverNames),
      'one that the certificate of the server has signed, which may sign none': () =>
        createIssuedPair(pki.leaf, 'below', serverNames),
    },
    'a root in PEM with CRLF': {
      'one of another root of the same name': () =>
        createIssuedPair(
          createSelfSignedPair(pki.root.commonName, { isAuthority: true }),
          'spoke',
          serverNames,
        ),
      'one of an intermediate that nobody shows': () => pki['leaf-of-intermediate'],
    },
    'a bundle with the certificate of the server first': {
      'one of an intermediate that nobody shows': () => pki['leaf-of-intermediate'],
      'one that the certificate of the server has signed, which may sign none': () =>
        createIssuedPair(pki.leaf, 'below', serverNames),
      'one that signs itself under the name of the root': () =>
        createSelfSignedPair(pki.root.commonName, { ...serverNames, isAuthority: true }),
    },
  };

  const cases = (Object.keys(forms) as Form[]).flatMap((form) =>
    Object.entries(strangers[form]).map(([what, make]) => [form, what, make] as const),
  );

  it.each(cases)('%s, and %s: is refused by request, WebSocket and SPDY', async (form, _what, make) => {
    await expectRefusal(form, make(), 'tls-untrusted', 'not trusted');
  });

  it('that is trusted as an anchor has to be in time and for the name all the same', async () => {
    const expired = createIssuedPair(pki.root, 'late', { ...serverNames, notAfter: '200102000000Z' });
    const elsewhere = createIssuedPair(pki.root, 'elsewhere', { names: ['other.example.com'] });
    const form = 'the own certificate of the server';
    pki = { ...pki, leaf: expired };
    await expectRefusal(form, expired, 'tls-expired', 'expired');
    pki = { ...pki, leaf: elsewhere };
    await expectRefusal(form, elsewhere, 'tls-name-mismatch', 'another name');
  });

  async function expectRefusal(form: Form, shown: SelfSignedPair, code: string, says: string): Promise<void> {
    const { upstream, proxy } = await start(form, shown);
    for (const way of ways) {
      const { status, headers, body } = await exchangeRaw(
        proxy.port,
        way === 'request'
          ? proxy.request(`GET ${proxy.pathOf('a')}/version`)
          : upgradeRequest(proxy, '/version', way),
      );
      expect([status, headers.find((line) => line.startsWith('X-Cluster-Inventory-Error'))], way).toEqual([
        502,
        `X-Cluster-Inventory-Error: ${code}`,
      ]);
      expect(JSON.parse(body)).toMatchObject({ kind: 'Status', code: 502 });
    }
    // The row names it too, and nothing was sent: no credential least of all.
    expect(proxy.entryOf('a').status).toMatchObject({
      state: 'unreachable',
      code,
      message: expect.stringContaining(says) as unknown,
    });
    expect(upstream.heads).toEqual([]);
  }
});
