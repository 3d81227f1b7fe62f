import {
  asArray,
  asRecord,
  asText,
  asTextMap,
  isRecord,
  type UnknownRecord,
} from '../foundation/unknownValue.ts';
import { shareText } from '../foundation/sharedText.ts';

/** The group of the resource; never found by kind or short name, which other projects own too (DI-14). */
export const clusterProfileGroup = 'multicluster.x-k8s.io';
export const clusterProfileResource = 'clusterprofiles';

export interface Condition {
  readonly type: string;
  /** `True`, `False` or `Unknown`; a third word counts as `Unknown`. */
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason?: string;
  readonly message?: string;
  /** RFC 3339, as the inventory wrote it. */
  readonly lastTransitionTime?: string;
}

export interface Property {
  readonly name: string;
  readonly value: string;
  readonly lastObservedTime?: string;
}

export interface AccessProvider {
  readonly name: string;
  /** `cluster` as published: checked when access is resolved, so that its faults are reasons of that cluster. */
  readonly cluster: UnknownRecord;
}

/** A ClusterProfile of v1alpha1 or v1alpha2, decoded. Nulls and absent fields are the same (DI-35). */
export interface ClusterProfile {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly createdAt?: string;
  readonly deletedAt?: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Text for people; may hold anything and is never an id (DI-36). */
  readonly displayName?: string;
  readonly manager?: string;
  readonly version?: string;
  readonly properties: readonly Property[];
  readonly conditions: readonly Condition[];
  /** `status.accessProviders`, then those of the deprecated `credentialProviders` that it does not name (AC-11). */
  readonly accessProviders: readonly AccessProvider[];
}

/** @returns undefined for anything that is not a ClusterProfile with a name, a namespace and a UID (DI-27) */
export function decodeClusterProfile(value: unknown): ClusterProfile | undefined {
  if (!isRecord(value)) return undefined;
  const { apiVersion, kind } = value;
  // Items of a list carry neither apiVersion nor kind when they come from a built-in type's list; a CRD's do.
  if (typeof apiVersion === 'string' && !apiVersion.startsWith(`${clusterProfileGroup}/`)) return undefined;
  if (typeof kind === 'string' && kind !== 'ClusterProfile') return undefined;
  const metadata = asRecord(value['metadata']);
  const name = asText(metadata['name']);
  const namespace = asText(metadata['namespace']);
  const uid = asText(metadata['uid']);
  if (name === undefined || namespace === undefined || uid === undefined) return undefined;
  const spec = asRecord(value['spec']);
  const status = asRecord(value['status']);
  return {
    namespace,
    name,
    uid,
    resourceVersion: asText(metadata['resourceVersion']) ?? '',
    ...optional('createdAt', metadata['creationTimestamp']),
    ...optional('deletedAt', metadata['deletionTimestamp']),
    labels: asTextMap(metadata['labels']),
    ...optional('displayName', spec['displayName']),
    ...shared('manager', asRecord(spec['clusterManager'])['name']),
    ...shared('version', asRecord(status['version'])['kubernetes']),
    properties: asArray(status['properties']).flatMap(decodeProperty),
    conditions: asArray(status['conditions']).flatMap(decodeCondition),
    accessProviders: mergeProviders(
      asArray(status['accessProviders']).flatMap(decodeAccessProvider),
      asArray(status['credentialProviders']).flatMap(decodeAccessProvider),
    ),
  };
}

function optional<Key extends string>(key: Key, value: unknown): Partial<Record<Key, string>> {
  const text = asText(value);
  return text === undefined ? {} : ({ [key]: text } as Record<Key, string>);
}

/** For what many profiles say alike. */
function shared<Key extends string>(key: Key, value: unknown): Partial<Record<Key, string>> {
  const text = asText(value);
  return text === undefined ? {} : ({ [key]: shareText(text) } as Record<Key, string>);
}

function decodeProperty(value: unknown): Property[] {
  const fields = asRecord(value);
  const name = asText(fields['name']);
  if (name === undefined || typeof fields['value'] !== 'string') return [];
  return [
    {
      name: shareText(name),
      value: fields['value'],
      ...shared('lastObservedTime', fields['lastObservedTime']),
    },
  ];
}

function decodeCondition(value: unknown): Condition[] {
  const fields = asRecord(value);
  const type = asText(fields['type']);
  if (type === undefined) return [];
  const status = fields['status'] === 'True' || fields['status'] === 'False' ? fields['status'] : 'Unknown';
  return [
    {
      type: shareText(type),
      status: shareText(status) as Condition['status'],
      ...shared('reason', fields['reason']),
      ...shared('message', fields['message']),
      ...shared('lastTransitionTime', fields['lastTransitionTime']),
    },
  ];
}

function decodeAccessProvider(value: unknown): AccessProvider[] {
  const fields = asRecord(value);
  const name = asText(fields['name']);
  return name === undefined ? [] : [{ name: shareText(name), cluster: asRecord(fields['cluster']) }];
}

function mergeProviders(
  current: readonly AccessProvider[],
  deprecated: readonly AccessProvider[],
): AccessProvider[] {
  const named = new Set(current.map(({ name }) => name));
  return [...current, ...deprecated.filter(({ name }) => !named.has(name))];
}
