import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createChangeFeed } from '../../src/api/changeFeed.ts';
import { createVersionTexts } from '../../src/api/inventoryVersion.ts';
import { createApiRouter } from '../../src/api/router.ts';
import { CodedError } from '../../src/foundation/errors.ts';
import { asRecord } from '../../src/foundation/unknownValue.ts';
import { openEvents } from '../support/eventReader.ts';
import { person } from '../support/fakeReviews.ts';
import { type ApiServer, startApi } from '../support/startApi.ts';

/** docs/api/openapi.yaml and the code, held against each other: paths, methods, and every field of every answer. */

interface Operation {
  readonly responses: Readonly<Record<string, { readonly content: Readonly<Record<string, unknown>> }>>;
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}
interface Schema {
  readonly allOf?: readonly Schema[];
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
}

const document = parse(
  readFileSync(join(import.meta.dirname, '../../../docs/api/openapi.yaml'), 'utf8'),
) as Document;
const { schemas } = document.components;

const nameOf = (ref: string): string => ref.slice('#/components/schemas/'.length);
const schemaOf = (ref: string): Schema => {
  const found = schemas[nameOf(ref)];
  if (!found) throw new Error(`no schema ${ref}`);
  return found;
};

/** With what `allOf` says in one place, and nothing allowed that is not said. */
function close(schema: Schema): object {
  if (schema.allOf) {
    const parts = schema.allOf.map((part) => (part.$ref === undefined ? part : schemaOf(part.$ref)));
    return close({
      required: parts.flatMap(({ required = [] }) => required),
      properties: Object.fromEntries(parts.flatMap(({ properties = {} }) => Object.entries(properties))),
    });
  }
  if (schema.$ref !== undefined) return { $ref: `#/definitions/${nameOf(schema.$ref)}` };
  return {
    ...schema,
    ...(schema.items ? { items: close(schema.items) } : {}),
    ...(schema.properties
      ? {
          type: 'object',
          additionalProperties: false,
          properties: Object.fromEntries(
            Object.entries(schema.properties).map(([name, each]) => [name, close(each)]),
          ),
        }
      : {}),
  };
}

const definitions = Object.fromEntries(
  Object.entries(schemas).map(([name, schema]) => [name, close(schema)]),
);

function expectAs(name: string, value: unknown): void {
  const ajv = new Ajv({ allErrors: true });
  const isValid = ajv.validate({ definitions, $ref: `#/definitions/${name}` }, value);
  expect(isValid ? [] : ajv.errors, name).toEqual([]);
}

let api: ApiServer;

beforeAll(async () => {
  api = await startApi({ clusters: ['a', 'b', 'c', 'd'], users: { 'ana-1': person('ana') } });
  api.reviews.allows = () => true;
  api.states = [
    {
      root: 'store/hub',
      namespaces: [
        {
          namespace: undefined,
          state: {
            phase: 'failing',
            since: 0,
            confirmedAt: 1000,
            reason: { code: 'hub-unreachable', message: 'away' },
          },
        },
      ],
    },
  ];
  api.proxy.publish('b', { server: 'ftp://x' });
  api.proxy.entryOf('a').report('ok');
  api.proxy.entryOf('c').report(new CodedError('plugin-exited', 'it failed', { diagnosis: 'why' }));
});
afterAll(() => api.close());

const headers = { authorization: 'Bearer ana-1' };
const get = async (path: string): Promise<unknown> => (await fetch(`${api.url}${path}`, { headers })).json();

describe('the OpenAPI document', () => {
  it('has the paths and the methods of the router, and no others', () => {
    const router = createApiRouter({
      registry: api.registry,
      inventory: { states: () => [] },
      feed: createChangeFeed(api.registry),
      versions: createVersionTexts(Buffer.alloc(16)),
      findViewer: () => Promise.reject(new Error('not asked')),
      check: () => Promise.reject(new Error('not asked')),
      clock: api.clock,
    });
    const routed = router.stack.flatMap(({ route }) => {
      const methods = Object.keys(asRecord(asRecord(route)['methods'])).filter((method) => method !== '_all');
      return methods.map(
        (method) => `${method} ${String(asRecord(route)['path']).replace(':name', '{name}')}`,
      );
    });
    const documented = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method} ${path}`),
    );
    expect(routed.length).toBeGreaterThan(3);
    expect(documented.sort()).toEqual(routed.sort());
  });

  it('says every field of the list and of each cluster', async () => {
    const list = await get('/clusters');
    expectAs('ClustersResponse', list);
    for (const name of ['a', 'b', 'c', 'd'])
      expectAs('ClusterDetail', await get(`/clusters/${api.proxy.entryOf(name).name}`));
  });

  it('says every field of the events', async () => {
    const reader = await openEvents(`${api.url}/events`, headers);
    await reader.waitForEvents(1);
    api.proxy.entryOf('d').report(new CodedError('connection-refused'));
    api.proxy.remove('b');
    api.feed.rootsChanged();
    await reader.waitForEvents(2);
    api.gate.signOut('ana-1');
    const [state, clusters, end] = await reader.waitForEnd();
    expectAs('ClustersResponse', state?.data);
    expectAs('ClustersChange', clusters?.data);
    expect(clusters?.data).toMatchObject({ removed: [expect.any(String)], roots: [expect.anything()] });
    expectAs('StreamEnd', end?.data);
    expect([state, clusters, end].map((each) => each?.event)).toEqual(['state', 'clusters', 'end']);
  });

  it('says how a refusal looks', async () => {
    expectAs('Status', await (await fetch(`${api.url}/clusters`)).json());
    expectAs('Status', await get('/clusters/none'));
  });
});
