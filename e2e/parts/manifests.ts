import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import type { KubeClient, KubeObject } from './kubeClient.ts';

/** The objects of a file with YAML documents. */
export function readManifest(file: string): readonly KubeObject[] {
  return parseAllDocuments(readFileSync(file, 'utf8')).map((document) => {
    const [error] = document.errors;
    if (error) throw new Error(`${file}: ${error.message}`);
    // What is no object of Kubernetes, the API server refuses.
    return document.toJS() as KubeObject;
  });
}

/** Creates or changes each object of a file, one after the other, and answers them as the API server has them. */
export async function applyManifest(client: KubeClient, file: string): Promise<readonly KubeObject[]> {
  const applied: KubeObject[] = [];
  for (const object of readManifest(file)) {
    applied.push(await client.apply(await findPath(client, object), object));
  }
  return applied;
}

async function findPath(
  client: KubeClient,
  { apiVersion = '', kind = '', metadata: { name, namespace = 'default' } }: KubeObject,
): Promise<string> {
  const base = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  interface Resource {
    readonly name: string;
    readonly kind: string;
    readonly namespaced: boolean;
  }
  const { resources } = await client.get<{ readonly resources: readonly Resource[] }>(base);
  const resource = resources.find((each) => each.kind === kind && !each.name.includes('/'));
  if (!resource) throw new Error(`no resource for ${kind} in ${apiVersion}`);
  return `${base}/${resource.namespaced ? `namespaces/${namespace}/` : ''}${resource.name}/${name}`;
}
