import type { KubeClient, KubeObject } from '../../parts/kubeClient.ts';
import { type Settle, settleObject, settleRules } from './differences.ts';
import type { HeaderLine } from './rawHttp.ts';
import type { UserName } from './scene.ts';

/** What was learned from the spoke before, for the steps that go on from there. */
export interface Known {
  readonly continueToken: string;
  readonly discoveryTag: string;
  /** As `/openapi/v3` names it, with its hash. */
  readonly documentPath: string;
  readonly documentTag: string;
}

export interface RequestStep {
  readonly title: string;
  /** GET if not told. */
  readonly method?: string;
  readonly path: string | ((known: Known) => string);
  readonly headers?: readonly HeaderLine[] | ((known: Known) => readonly HeaderLine[]);
  readonly body?: string | Buffer;
  readonly chunkBytes?: number;
  readonly expectContinue?: boolean;
  readonly user?: UserName;
  /** Of the answer straight, so that the step is known to be what its title says. */
  readonly status: number;
  /** Brings back the state that it starts from; both ways one after the other, as with `isOneByOne`. */
  readonly prepare?: (client: KubeClient) => Promise<void>;
  readonly isOneByOne?: boolean;
  /** Takes out of the body what differs between two runs; without it every byte has to be the same. */
  readonly settle?: Settle;
  /** What else the answer straight has to have, or the step shows nothing. */
  readonly minBytes?: number;
  readonly shows?: readonly [header: string, value: RegExp];
  /** The answer does not end by itself: it is read until this is there. */
  readonly isEnough?: (body: Buffer) => boolean;
  /** Done while both answers are open. */
  readonly meanwhile?: (client: KubeClient) => Promise<void>;
}

export const core = '/api/v1/namespaces/default';
export const script = '/api/v1/namespaces/script';
const json: HeaderLine = ['Content-Type', 'application/json'];
const accept = (type: string): readonly HeaderLine[] => [['Accept', type]];
const gzip: HeaderLine = ['Accept-Encoding', 'gzip'];

export function configMap(name: string, data: Readonly<Record<string, string>>, labels = {}): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels }, data };
}

/** A kind that holds anything, so that etcd's own limit is the one that is met. */
function revision(name: string, bytes: number): string {
  return JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: { name },
    revision: 1,
    data: { blob: 'x'.repeat(bytes) },
  });
}
const revisions = '/apis/apps/v1/namespaces/script/controllerrevisions';

/** Whatever a step before it left: this object is there, new. */
const withNotes = async (client: KubeClient): Promise<void> => {
  await without(`${script}/configmaps/notes`)(client);
  await client.create(`${script}/configmaps?fieldManager=first`, configMap('notes', { value: 'one' }));
};

function without(path: string) {
  return async (client: KubeClient): Promise<void> => {
    await client.raw('DELETE', path);
  };
}

const withDeployment = async (client: KubeClient): Promise<void> => {
  const path = '/apis/apps/v1/namespaces/script/deployments';
  await without(`${path}/web`)(client);
  await client.create(path, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'web', image: 'web:1' }] },
      },
    },
  });
};

/** 40 ConfigMaps of 8 KiB: what is compressed above 128 KiB, and what has pages. */
export async function createLargeList(client: KubeClient): Promise<void> {
  for (const name of ['script', 'large']) {
    await client.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }
  const value = Array.from({ length: 512 }, (_, index) => `line ${index} ünï`).join('\n');
  await Promise.all(
    Array.from({ length: 40 }, (_, index) =>
      client.create(
        '/api/v1/namespaces/large/configmaps',
        configMap(`part-${String(index).padStart(2, '0')}`, { value }, { app: 'large' }),
      ),
    ),
  );
}

export const reads: readonly RequestStep[] = [
  { title: 'version', path: '/version', status: 200 },
  { title: 'version by HEAD', method: 'HEAD', path: '/version', status: 405 },
  { title: 'health', path: '/healthz', status: 200 },
  {
    title: 'health by HEAD',
    method: 'HEAD',
    path: '/healthz',
    status: 200,
    shows: ['Content-Length', /^2$/],
  },
  { title: 'readiness in words', path: '/readyz?verbose', status: 200, minBytes: 200 },
  { title: 'liveness without one check', path: '/livez?verbose&exclude=etcd', status: 200 },
  { title: 'groups', path: '/apis', status: 200 },
  { title: 'resources of a group', path: '/apis/apps/v1', status: 200 },
  ...['/api', '/apis'].map((path): RequestStep => ({
    title: `aggregated discovery of ${path}`,
    path,
    headers: accept('application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'),
    status: 200,
    minBytes: 2_000,
  })),
  {
    title: 'aggregated discovery that is known',
    path: '/apis',
    headers: ({ discoveryTag }) => [
      ['Accept', 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'],
      ['If-None-Match', discoveryTag],
    ],
    status: 304,
  },
  { title: 'OpenAPI’s index', path: '/openapi/v3', status: 200 },
  {
    title: 'an OpenAPI document by its hash',
    path: ({ documentPath }) => documentPath,
    status: 200,
    minBytes: 50_000,
  },
  {
    title: 'an OpenAPI document by HEAD',
    method: 'HEAD',
    path: ({ documentPath }) => documentPath,
    status: 200,
  },
  {
    title: 'an OpenAPI document that is known',
    path: ({ documentPath }) => documentPath,
    headers: ({ documentTag }) => [['If-None-Match', documentTag]],
    status: 304,
    shows: ['Etag', /./],
  },
  {
    title: 'the old OpenAPI document, compressed, as protobuf',
    path: '/openapi/v2',
    headers: [['Accept', 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'], gzip],
    status: 200,
    minBytes: 50_000,
  },
  { title: 'an object', path: `${core}/pods/hello`, status: 200 },
  { title: 'an object by HEAD', method: 'HEAD', path: `${core}/pods/hello`, status: 405 },
  {
    title: 'an object as YAML',
    path: `${core}/pods/hello`,
    headers: accept('application/yaml'),
    status: 200,
  },
  { title: 'an object, indented', path: `${core}/pods/hello?pretty=true`, status: 200 },
  {
    title: 'an object as protobuf',
    path: `${core}/pods/hello`,
    headers: accept('application/vnd.kubernetes.protobuf'),
    status: 200,
  },
  {
    title: 'a list as protobuf',
    path: '/api/v1/namespaces/large/configmaps',
    headers: accept('application/vnd.kubernetes.protobuf'),
    status: 200,
    minBytes: 300_000,
  },
  {
    title: 'a list as a table',
    path: '/api/v1/namespaces/large/configmaps',
    headers: accept('application/json;as=Table;v=v1;g=meta.k8s.io,application/json'),
    status: 200,
  },
  {
    title: 'a table with whole objects',
    path: '/api/v1/namespaces/large/configmaps?includeObject=Object&limit=3',
    headers: accept('application/json;as=Table;v=v1;g=meta.k8s.io'),
    status: 200,
  },
  {
    title: 'a list of metadata alone',
    path: '/api/v1/namespaces/large/configmaps',
    headers: accept('application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io'),
    status: 200,
  },
  { title: 'a page', path: '/api/v1/namespaces/large/configmaps?limit=7', status: 200 },
  {
    title: 'the page behind it',
    path: ({ continueToken }) => `/api/v1/namespaces/large/configmaps?limit=7&continue=${continueToken}`,
    status: 200,
  },
  { title: 'a page of nothing known', path: `${core}/configmaps?continue=none`, status: 400 },
  {
    title: 'a long list, compressed',
    path: '/api/v1/namespaces/large/configmaps',
    headers: [gzip],
    status: 200,
    shows: ['Content-Encoding', /^gzip$/],
  },
  {
    title: 'a long list, not compressed',
    path: '/api/v1/namespaces/large/configmaps',
    status: 200,
    minBytes: 300_000,
  },
  {
    title: 'a long list for who takes br alone',
    path: '/api/v1/namespaces/large/configmaps',
    headers: [['Accept-Encoding', 'br']],
    status: 200,
    minBytes: 300_000,
  },
  {
    title: 'a long list by HEAD',
    method: 'HEAD',
    path: '/api/v1/namespaces/large/configmaps',
    headers: [gzip],
    status: 405,
  },
  {
    title: 'a list at a version',
    path: '/api/v1/namespaces/large/configmaps?resourceVersion=0&labelSelector=app%3Dlarge',
    status: 200,
  },
  { title: 'a list by fields', path: '/api/v1/pods?fieldSelector=spec.nodeName%3Dnode-1', status: 200 },
  {
    title: 'a warning',
    path: '/api/v1/componentstatuses/scheduler',
    status: 200,
    shows: ['Warning', /deprecated/],
  },
  { title: 'a log', path: `/api/v1/namespaces/shop/pods/cart/log?limitBytes=300`, status: 200 },
  {
    title: 'a log of nothing',
    path: `/api/v1/namespaces/shop/pods/cart/log?container=none`,
    status: 400,
  },
  // An API server reaches nothing on a loopback address, and there is no other here.
  { title: 'a node’s own answer', path: '/api/v1/nodes/node-1/proxy/healthz?x=%2B&y=a+b&x=2', status: 400 },
];

export const refusals: readonly RequestStep[] = [
  { title: 'an object that is not there', path: `${core}/pods/none`, status: 404 },
  { title: 'a kind that is not there', path: `${core}/gadgets`, status: 404 },
  { title: 'a group that is not there', path: '/apis/gadgets.example/v1/gadgets', status: 404 },
  { title: 'a path that is not there', path: '/nowhere', status: 404 },
  {
    title: 'a method that is not there',
    method: 'POST',
    path: `${core}/pods/hello`,
    headers: [json],
    body: '{}',
    status: 405,
  },
  {
    title: 'a method of a list',
    method: 'PUT',
    path: `${core}/pods`,
    headers: [json],
    body: '{}',
    status: 405,
  },
  { title: 'a type that nobody makes', path: `${core}/pods/hello`, headers: accept('text/csv'), status: 406 },
  {
    title: 'a type that nobody reads',
    method: 'POST',
    path: `${script}/configmaps`,
    headers: [['Content-Type', 'text/csv']],
    body: 'a,b',
    status: 415,
  },
  {
    title: 'a patch of no known kind',
    method: 'PATCH',
    path: `${core}/pods/hello`,
    headers: [json],
    body: '{}',
    status: 415,
  },
  {
    title: 'a name that is there already',
    method: 'POST',
    path: `${script}/configmaps`,
    headers: [json],
    body: JSON.stringify(configMap('notes', {})),
    prepare: withNotes,
    status: 409,
  },
  {
    title: 'an object with a name that is none',
    method: 'POST',
    path: `${script}/configmaps`,
    headers: [json],
    body: JSON.stringify(configMap('Not A Name', { 'a b': 'c' })),
    status: 422,
  },
  {
    title: 'what is no JSON',
    method: 'POST',
    path: `${script}/configmaps`,
    headers: [json],
    body: '{"kind":',
    status: 400,
  },
  {
    title: 'a field that nobody knows, strictly',
    method: 'POST',
    path: `${script}/configmaps?fieldValidation=Strict`,
    headers: [json],
    body: JSON.stringify({ ...configMap('strict', {}), colour: 'blue' }),
    status: 400,
  },
  { title: 'a selector that is none', path: `${core}/pods?labelSelector=a%20b%20c`, status: 400 },
  {
    title: 'a version from the future',
    path: `${core}/configmaps?resourceVersion=99999999&resourceVersionMatch=Exact`,
    status: 504,
  },
  { title: 'what the user may not', path: `${core}/secrets`, user: 'ben', status: 403 },
  {
    title: 'as a table what the user may not',
    path: `/api/v1/namespaces/large/secrets/none`,
    headers: accept('application/json;as=Table;v=v1;g=meta.k8s.io'),
    user: 'ben',
    status: 403,
  },
  {
    title: 'an object that is too large for etcd',
    method: 'POST',
    path: revisions,
    headers: [json],
    body: revision('too-large', 1_700_000),
    status: 500,
  },
  {
    title: 'a body that is too large',
    method: 'POST',
    path: revisions,
    headers: [json],
    body: revision('far-too-large', 3_200_000),
    status: 413,
  },
];

const settled = { settle: settleObject } as const;
const patchOf = (type: string): readonly HeaderLine[] => [['Content-Type', `application/${type}`]];

export const writes: readonly RequestStep[] = [
  {
    title: 'create',
    method: 'POST',
    path: `${script}/configmaps`,
    headers: [json],
    body: JSON.stringify(configMap('created', { value: 'ünï' })),
    prepare: without(`${script}/configmaps/created`),
    status: 201,
    ...settled,
  },
  {
    title: 'create in chunks',
    method: 'POST',
    path: `${script}/configmaps`,
    headers: [json],
    body: JSON.stringify(configMap('created', { value: 'x'.repeat(100_000) })),
    chunkBytes: 7_000,
    prepare: without(`${script}/configmaps/created`),
    status: 201,
    ...settled,
  },
  {
    title: 'create when asked to go on',
    method: 'POST',
    path: `${script}/configmaps`,
    headers: [json],
    body: JSON.stringify(configMap('created', { value: 'one' })),
    expectContinue: true,
    prepare: without(`${script}/configmaps/created`),
    status: 201,
    ...settled,
  },
  {
    title: 'create with a warning',
    method: 'POST',
    path: `${script}/configmaps?fieldValidation=Warn`,
    headers: [json],
    body: JSON.stringify({ ...configMap('created', {}), colour: 'blue', shape: 'round' }),
    prepare: without(`${script}/configmaps/created`),
    status: 201,
    shows: ['Warning', /unknown field \\"colour\\"/],
    ...settled,
  },
  {
    title: 'create, as YAML',
    method: 'POST',
    path: `${script}/configmaps`,
    headers: [['Content-Type', 'application/yaml']],
    body: 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: created\ndata:\n  a: b\n',
    prepare: without(`${script}/configmaps/created`),
    status: 201,
    ...settled,
  },
  {
    title: 'create, for show',
    method: 'POST',
    path: `${script}/configmaps?dryRun=All`,
    headers: [json],
    body: JSON.stringify(configMap('shown', { value: 'one' })),
    status: 201,
    ...settled,
  },
  {
    title: 'create what is almost too large for etcd',
    method: 'POST',
    path: revisions,
    headers: [json],
    body: revision('large', 1_450_000),
    prepare: without(`${revisions}/large`),
    status: 201,
    minBytes: 1_450_000,
    ...settled,
  },
  {
    title: 'read it, compressed',
    path: `${revisions}/large`,
    headers: [gzip],
    status: 200,
    shows: ['Content-Encoding', /^gzip$/],
  },
  {
    title: 'replace',
    method: 'PUT',
    path: `${script}/configmaps/notes`,
    headers: [json],
    body: JSON.stringify(configMap('notes', { value: 'two' })),
    prepare: withNotes,
    status: 200,
    ...settled,
  },
  {
    title: 'replace what has changed since',
    method: 'PUT',
    path: `${script}/configmaps/notes`,
    headers: [json],
    body: JSON.stringify({
      ...configMap('notes', { value: 'two' }),
      metadata: { name: 'notes', resourceVersion: '1' },
    }),
    prepare: withNotes,
    status: 409,
  },
  {
    title: 'JSON patch',
    method: 'PATCH',
    path: `${script}/configmaps/notes`,
    headers: patchOf('json-patch+json'),
    body: '[{"op":"test","path":"/data/value","value":"one"},{"op":"replace","path":"/data/value","value":"two"}]',
    prepare: withNotes,
    status: 200,
    ...settled,
  },
  {
    title: 'JSON patch that does not fit',
    method: 'PATCH',
    path: `${script}/configmaps/notes`,
    headers: patchOf('json-patch+json'),
    body: '[{"op":"test","path":"/data/value","value":"nine"}]',
    prepare: withNotes,
    status: 422,
  },
  {
    title: 'merge patch',
    method: 'PATCH',
    path: `${script}/configmaps/notes`,
    headers: patchOf('merge-patch+json'),
    body: '{"data":{"value":null,"other":"two"}}',
    prepare: withNotes,
    status: 200,
    ...settled,
  },
  {
    title: 'strategic merge patch',
    method: 'PATCH',
    path: '/apis/apps/v1/namespaces/script/deployments/web',
    headers: patchOf('strategic-merge-patch+json'),
    body: '{"spec":{"template":{"spec":{"containers":[{"name":"side","image":"side:1"}]}}}}',
    prepare: withDeployment,
    status: 200,
    ...settled,
  },
  {
    title: 'server-side apply',
    method: 'PATCH',
    path: `${script}/configmaps/notes?fieldManager=second&force=true`,
    headers: patchOf('apply-patch+yaml'),
    body: 'apiVersion: v1\nkind: ConfigMap\ndata:\n  value: two\n',
    prepare: withNotes,
    status: 200,
    ...settled,
  },
  {
    title: 'server-side apply of what another owns',
    method: 'PATCH',
    path: `${script}/configmaps/notes?fieldManager=second`,
    headers: patchOf('apply-patch+yaml'),
    body: 'apiVersion: v1\nkind: ConfigMap\ndata:\n  value: two\n',
    prepare: withNotes,
    status: 409,
    ...settled,
  },
  {
    title: 'the scale of something',
    method: 'PATCH',
    path: '/apis/apps/v1/namespaces/script/deployments/web/scale',
    headers: patchOf('merge-patch+json'),
    body: '{"spec":{"replicas":3}}',
    prepare: withDeployment,
    status: 200,
    ...settled,
  },
  {
    title: 'delete with options',
    method: 'DELETE',
    path: `${script}/configmaps/notes`,
    headers: [json],
    body: '{"kind":"DeleteOptions","apiVersion":"v1","propagationPolicy":"Background","gracePeriodSeconds":0}',
    prepare: withNotes,
    status: 200,
    ...settled,
  },
  {
    title: 'delete with options in chunks',
    method: 'DELETE',
    path: `${script}/configmaps/notes`,
    headers: [json],
    body: '{"kind":"DeleteOptions","apiVersion":"v1","dryRun":["All"]}',
    chunkBytes: 20,
    prepare: withNotes,
    status: 200,
    ...settled,
  },
  {
    title: 'delete another one of the same name',
    method: 'DELETE',
    path: `${script}/configmaps/notes`,
    headers: [json],
    body: '{"kind":"DeleteOptions","apiVersion":"v1","preconditions":{"uid":"not-it"}}',
    prepare: withNotes,
    status: 409,
    ...settled,
  },
  {
    title: 'delete several',
    method: 'DELETE',
    path: `${script}/configmaps?labelSelector=set%3Done`,
    headers: [json],
    body: '{"kind":"DeleteOptions","apiVersion":"v1"}',
    prepare: async (client) => {
      for (const name of ['set-a', 'set-b'])
        await client.apply(`${script}/configmaps/${name}`, configMap(name, {}, { set: 'one' }));
    },
    status: 200,
    ...settled,
  },
  {
    title: 'who am I',
    method: 'POST',
    path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
    headers: [json],
    body: '{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}',
    status: 201,
    ...settled,
  },
  ...(['ana', 'ben'] as const).map((user): RequestStep => ({
    title: `may ${user} list`,
    method: 'POST',
    path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    headers: [json],
    body: '{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview","spec":{"resourceAttributes":{"verb":"list","resource":"pods"}}}',
    user,
    status: 201,
    ...settled,
  })),
  {
    title: 'what may I',
    method: 'POST',
    path: '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews',
    headers: [json],
    body: '{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectRulesReview","spec":{"namespace":"default"}}',
    status: 201,
    settle: settleRules,
  },
];

export const oddPaths: readonly RequestStep[] = [
  { title: 'a slash at the end', path: '/api/v1/', status: 200 },
  { title: 'a slash at the end of an object', path: `${core}/pods/hello/`, status: 200 },
  { title: 'an encoded slash in a name', path: `${core}/pods/he%2Fllo`, status: 404 },
  { title: 'an encoded letter', path: `${core}/pods/%68ello`, status: 200 },
  { title: 'letters beyond ASCII', path: `${core}/pods/%E2%82%AC%c3%bc`, status: 404 },
  { title: 'bytes that are no letters', path: `${core}/pods/%ff%fe`, status: 404 },
  { title: 'two slashes', path: `/api//v1/namespaces`, status: 404 },
  { title: 'two slashes at the beginning', path: `//api/v1/namespaces`, status: 404 },
  {
    title: 'a repeated key',
    path: '/api/v1/namespaces/large/configmaps?limit=1&limit=2&labelSelector=app%3Dlarge',
    status: 200,
  },
  {
    title: 'plus signs',
    path: '/api/v1/namespaces/large/configmaps?labelSelector=app+in+(large,other)&limit=1',
    status: 200,
  },
  { title: 'an encoded plus sign', path: `${core}/pods?labelSelector=a%2Bb`, status: 400 },
  { title: 'an empty query', path: `${core}/pods/hello?`, status: 200 },
  { title: 'a question mark in the query', path: `${core}/pods/hello?a=b?c=d`, status: 200 },
  { title: 'a semicolon in the query', path: `${core}/pods/hello?a=b;c=d`, status: 200 },
  { title: 'an encoding that is none, in the query', path: `${core}/pods/hello?a=%zz`, status: 200 },
  {
    title: 'a service’s path',
    path: `${core}/services/http:web:80/proxy/a//b%2Fc%20d/?x=%2B&y=a+b&x=2`,
    status: 404,
  },
  { title: 'a dot segment', path: `${core}/pods/../pods/hello`, status: 404 },
  { title: 'an encoded dot segment', path: `${core}/pods/%2e%2e/pods/hello`, status: 404 },
  { title: 'a backslash', path: `${core}/pods/he%5Cllo`, status: 404 },
  { title: 'a NUL', path: `${core}/pods/he%00llo`, status: 404 },
  { title: 'an encoding that is none, in the path', path: `${core}/pods/he%zzllo`, status: 400 },
  { title: 'TRACE', method: 'TRACE', path: '/version', status: 405 },
  { title: 'OPTIONS', method: 'OPTIONS', path: `${core}/pods`, status: 405 },
];

export const changeWatched = async (client: KubeClient): Promise<void> => {
  await client.create(`${script}/configmaps`, configMap('watched', { value: 'one' }, { app: 'watched' }));
  await client.patch(`${script}/configmaps/watched`, { data: { value: 'ünï' } });
  await client.delete(`${script}/configmaps/watched`);
};

export const watched = `${script}/configmaps?watch=true&labelSelector=app%3Dwatched&resourceVersion=0`;
const isLineWith =
  (text: string) =>
  (body: Buffer): boolean =>
    body.includes(text) && body.at(-1) === 0x0a;

/** Each message of a watch as protobuf has its length in front. */
function endsWithDeleted(body: Buffer): boolean {
  let at = 0;
  while (at + 4 <= body.length) at += 4 + body.readUInt32BE(at);
  return at === body.length && body.includes('DELETED');
}

export const watches: readonly RequestStep[] = [
  {
    title: 'a watch',
    path: watched,
    status: 200,
    isEnough: isLineWith('DELETED'),
    meanwhile: changeWatched,
  },
  {
    title: 'a watch for who takes gzip',
    path: watched,
    headers: [gzip],
    status: 200,
    isEnough: isLineWith('DELETED'),
    meanwhile: changeWatched,
  },
  {
    // Of several watches of one object an API server tells one alone what the columns are.
    title: 'a watch as a table',
    path: watched,
    headers: accept('application/json;as=Table;v=v1;g=meta.k8s.io'),
    status: 200,
    isOneByOne: true,
    ...settled,
    isEnough: isLineWith('DELETED'),
    meanwhile: changeWatched,
  },
  {
    title: 'a watch as protobuf',
    path: watched,
    headers: accept('application/vnd.kubernetes.protobuf;stream=watch'),
    status: 200,
    isEnough: endsWithDeleted,
    meanwhile: changeWatched,
  },
  {
    title: 'a watch with bookmarks that ends by itself',
    path: '/api/v1/namespaces/large/configmaps?watch=true&allowWatchBookmarks=true&timeoutSeconds=4&resourceVersion=0&labelSelector=app%3Dnone',
    status: 200,
    minBytes: 100,
    settle: settleObject,
  },
  {
    title: 'a list by a watch',
    path: '/api/v1/namespaces/large/configmaps?watch=true&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan&resourceVersion=',
    status: 200,
    isEnough: isLineWith('k8s.io/initial-events-end'),
    minBytes: 300_000,
  },
  {
    title: 'a watch of nothing known',
    path: `${script}/configmaps?watch=true&resourceVersion=x`,
    status: 500,
  },
];
