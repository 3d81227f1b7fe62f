import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { answerParent } from '../childProcess.ts';
import { readUser } from '../tokens.ts';

/** How often each kind of review was asked. */
export interface ReviewCounts {
  readonly tokens: number;
  readonly access: number;
  readonly rules: number;
}

/** A hub with its ClusterProfiles, and a dashboard beside it that has one cluster of its own. */
export interface HubQuestions {
  start: [HubContent, { readonly hubPort: number; readonly dashboardPort: number }];
  /** Since the last time that it was asked. */
  takeCounts: [null, ReviewCounts];
  /** Tells those who watch. */
  deleteProfile: [{ readonly namespace: string; readonly name: string }, null];
}

export interface HubProfile {
  readonly metadata: {
    readonly namespace: string;
    readonly name: string;
    readonly resourceVersion: string;
    readonly uid: string;
    readonly labels: Readonly<Record<string, string>>;
  };
  readonly [part: string]: unknown;
}

export interface HubContent {
  readonly profiles: readonly HubProfile[];
  /** What each review takes. */
  readonly reviewMs: number;
  /** May list the profiles of these namespaces; everybody may `proxy` to every cluster, and nothing else. */
  readonly viewer: { readonly name: string; readonly namespaces: readonly string[] };
}

interface Review {
  readonly spec: {
    readonly token?: string;
    readonly user?: string;
    readonly resourceAttributes?: {
      readonly verb: string;
      readonly subresource?: string;
      readonly namespace?: string;
    };
  };
}

const groups = ['payments', 'payments-eu', 'on-call', 'system:authenticated'];
const watches = new Set<ServerResponse>();
let profiles: readonly HubProfile[] = [];
let counts = { tokens: 0, access: 0, rules: 0 };

function decide({ spec }: Review, { viewer }: HubContent): object {
  if (spec.token !== undefined) {
    counts.tokens++;
    const user = readUser(spec.token);
    return user === undefined
      ? { authenticated: false }
      : { authenticated: true, user: { username: user, uid: `uid-${user}`, groups } };
  }
  if (spec.resourceAttributes === undefined) {
    counts.rules++;
    return { resourceRules: [], nonResourceRules: [], incomplete: false };
  }
  counts.access++;
  const { verb, subresource, namespace = '' } = spec.resourceAttributes;
  const mayList = spec.user === viewer.name && verb === 'list' && viewer.namespaces.includes(namespace);
  return { allowed: subresource === 'proxy' || mayList };
}

function send(response: ServerResponse, status: number, value: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}

async function readJson(request: IncomingMessage): Promise<Review> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString('utf8')) as Review;
}

async function answerHub(request: IncomingMessage, response: ServerResponse, hub: HubContent): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://hub');
  if (request.method === 'POST') {
    const status = decide(await readJson(request), hub);
    await sleep(hub.reviewMs);
    send(response, 201, { status });
  } else if (pathname === '/apis/multicluster.x-k8s.io') {
    const version = { groupVersion: 'multicluster.x-k8s.io/v1alpha1', version: 'v1alpha1' };
    send(response, 200, { kind: 'APIGroup', versions: [version], preferredVersion: version });
  } else if (searchParams.get('watch') === 'true') {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    watches.add(response);
    response.once('close', () => watches.delete(response));
  } else {
    const from = Number(searchParams.get('continue') ?? 0);
    const to = from + Number(searchParams.get('limit') ?? profiles.length);
    const more = to < profiles.length ? { continue: String(to) } : {};
    const items = profiles.slice(from, to);
    send(response, 200, { kind: 'ClusterProfileList', metadata: { resourceVersion: '1', ...more }, items });
  }
}

function listen(listener: RequestListener): Promise<number> {
  const server = createServer({ keepAliveTimeout: 60_000 }, listener);
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

answerParent<HubQuestions>({
  async start(content) {
    ({ profiles } = content);
    const hubPort = await listen((request, response) => {
      answerHub(request, response, content).catch(() => response.destroy());
    });
    const dashboardPort = await listen((_request, response) => {
      send(response, 200, { clusters: [{ name: 'main', auth_type: '' }] });
    });
    return { hubPort, dashboardPort };
  },
  takeCounts() {
    const taken = counts;
    counts = { tokens: 0, access: 0, rules: 0 };
    return taken;
  },
  deleteProfile({ namespace, name }) {
    const deleted = profiles.find(
      ({ metadata }) => metadata.namespace === namespace && metadata.name === name,
    );
    if (!deleted) throw new Error(`there is no profile ${namespace}/${name}`);
    profiles = profiles.filter((each) => each !== deleted);
    const object = { ...deleted, metadata: { ...deleted.metadata, resourceVersion: '2' } };
    for (const each of watches) each.write(`${JSON.stringify({ type: 'DELETED', object })}\n`);
    return null;
  },
});
