import type { Clock } from '../foundation/clock.ts';
import { CodedError } from '../foundation/errors.ts';
import { asArray, asRecord, asText, isRecord } from '../foundation/unknownValue.ts';
import {
  type ClusterProfile,
  clusterProfileGroup,
  clusterProfileResource,
  decodeClusterProfile,
} from './clusterProfile.ts';
import type { HubClient } from './hubClient.ts';
import { readBodyText, readLines } from './readBody.ts';

/** A hub's answer that is not 200: the status decides what follows (DI-10, DI-13, DI-24). */
export class HubAnswer extends Error {
  override readonly name = 'HubAnswer';
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface ListScope {
  /** Undefined for all namespaces. */
  readonly namespace: string | undefined;
  readonly labelSelector: string;
}

const pageLimit = 500;
const maxBodyBytes = 256 * 1024 * 1024;
const maxLineBytes = 16 * 1024 * 1024;

async function readJson(
  client: HubClient,
  path: string,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const { status, body } = await client.get(path, { signal });
  const text = await readBodyText(body, maxBodyBytes).catch((cause: unknown) => {
    throw new CodedError('hub-unreachable', 'the hub broke off its answer', { cause });
  });
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    content = undefined;
  }
  if (status !== 200)
    throw new HubAnswer(status, asText(asRecord(content)['message']) ?? `the hub answers ${String(status)}`);
  if (!isRecord(content))
    throw new CodedError('hub-unreachable', 'the hub answers something that is not JSON');
  return content;
}

/** Versions that `decodeClusterProfile` knows, the best first. */
const knownVersions = ['v1alpha2', 'v1alpha1'];

/**
 * The version of the resource that the hub serves (DI-14): the preferred one where it is known here, else a known one,
 * else the preferred one. @throws HubAnswer 404 when the group is not served
 */
export async function discoverVersion(client: HubClient, signal: AbortSignal): Promise<string> {
  const group = await readJson(client, `/apis/${clusterProfileGroup}`, signal);
  const served = asArray(group['versions']).flatMap((each) => asText(asRecord(each)['version']) ?? []);
  const preferred = asText(asRecord(group['preferredVersion'])['version']);
  const version =
    preferred !== undefined && knownVersions.includes(preferred)
      ? preferred
      : (knownVersions.find((known) => served.includes(known)) ?? preferred ?? served[0]);
  if (version === undefined) throw new HubAnswer(404, 'the group has no versions');
  return version;
}

function buildPath(version: string, scope: ListScope, query: Readonly<Record<string, string>>): string {
  const within = scope.namespace === undefined ? '' : `/namespaces/${encodeURIComponent(scope.namespace)}`;
  const parameters = new URLSearchParams(query);
  if (scope.labelSelector !== '') parameters.set('labelSelector', scope.labelSelector);
  return `/apis/${clusterProfileGroup}/${version}${within}/${clusterProfileResource}?${parameters.toString()}`;
}

export interface CompleteList {
  readonly profiles: readonly ClusterProfile[];
  readonly resourceVersion: string;
  /** Items that were not ClusterProfiles. */
  readonly skipped: number;
}

/** A complete list, page by page; an expired continue token starts one full list (DI-20). */
export async function listProfiles(
  client: HubClient,
  version: string,
  scope: ListScope,
  signal: AbortSignal,
): Promise<CompleteList> {
  try {
    return await listPages(client, version, scope, signal, String(pageLimit));
  } catch (thrown) {
    if (!(thrown instanceof HubAnswer && thrown.status === 410)) throw thrown;
    return await listPages(client, version, scope, signal, undefined);
  }
}

async function listPages(
  client: HubClient,
  version: string,
  scope: ListScope,
  signal: AbortSignal,
  limit: string | undefined,
): Promise<CompleteList> {
  const profiles: ClusterProfile[] = [];
  let skipped = 0;
  let continueToken: string | undefined;
  for (;;) {
    const page = await readJson(
      client,
      buildPath(version, scope, {
        ...(limit === undefined ? {} : { limit }),
        ...(continueToken === undefined ? {} : { continue: continueToken }),
      }),
      signal,
    );
    for (const item of asArray(page['items'])) {
      const profile = decodeClusterProfile(item);
      if (profile) profiles.push(profile);
      else skipped++;
    }
    const metadata = asRecord(page['metadata']);
    continueToken = asText(metadata['continue']);
    if (continueToken === undefined) {
      return { profiles, skipped, resourceVersion: asText(metadata['resourceVersion']) ?? '' };
    }
  }
}

export type WatchEvent =
  /** The hub accepted the watch: what is held is what it goes on from. */
  | { readonly kind: 'begun' }
  | { readonly kind: 'upsert'; readonly profile: ClusterProfile }
  | { readonly kind: 'delete'; readonly profile: ClusterProfile }
  | { readonly kind: 'bookmark'; readonly resourceVersion: string }
  | { readonly kind: 'skipped' };

export interface WatchRequest {
  readonly version: string;
  readonly scope: ListScope;
  readonly resourceVersion: string;
  /** Asked of the hub: it ends the watch after this many seconds (DI-22). */
  readonly timeoutSeconds: number;
  /** Ends the watch when nothing at all comes for this long: a half-open connection looks like a quiet one (DI-26). */
  readonly silenceMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * The events of one watch, until the hub ends it.
 * @throws HubAnswer for a refusal or an ERROR event, CodedError `hub-unreachable` for a broken or silent connection
 */
export async function* watchProfiles(client: HubClient, request: WatchRequest): AsyncGenerator<WatchEvent> {
  const { version, scope, resourceVersion, timeoutSeconds, silenceMs, clock, signal } = request;
  const silence = new AbortController();
  const path = buildPath(version, scope, {
    watch: 'true',
    allowWatchBookmarks: 'true',
    timeoutSeconds: String(timeoutSeconds),
    resourceVersion,
  });
  let cancel = clock.after(silenceMs, () => {
    silence.abort();
  });
  try {
    const { status, body } = await client.get(path, { signal: AbortSignal.any([signal, silence.signal]) });
    if (status !== 200) {
      const text = await readBodyText(body, maxLineBytes);
      throw new HubAnswer(status, text.slice(0, 200));
    }
    yield { kind: 'begun' };
    async function* rearming(): AsyncGenerator<Buffer> {
      for await (const chunk of body as AsyncIterable<Buffer>) {
        cancel();
        cancel = clock.after(silenceMs, () => {
          silence.abort();
        });
        yield chunk;
      }
    }
    for await (const line of readLines(rearming(), maxLineBytes)) {
      const event = decodeEvent(line);
      if (event !== undefined) yield event;
    }
  } catch (thrown) {
    if (thrown instanceof HubAnswer || thrown instanceof CodedError) throw thrown;
    throw new CodedError(
      'hub-unreachable',
      silence.signal.aborted ? 'the watch of the hub went silent' : 'the watch of the hub broke off',
      {
        cause: thrown,
      },
    );
  } finally {
    cancel();
  }
}

function decodeEvent(line: string): WatchEvent | undefined {
  if (line.trim() === '') return undefined;
  let event: unknown;
  try {
    event = JSON.parse(line);
  } catch {
    return { kind: 'skipped' };
  }
  const { type, object } = asRecord(event);
  if (type === 'ERROR') {
    const status = asRecord(object);
    const code = status['code'];
    throw new HubAnswer(
      typeof code === 'number' ? code : 500,
      asText(status['message']) ?? 'the watch ended with an error',
    );
  }
  if (type === 'BOOKMARK') {
    const resourceVersion = asText(asRecord(asRecord(object)['metadata'])['resourceVersion']);
    return resourceVersion === undefined ? { kind: 'skipped' } : { kind: 'bookmark', resourceVersion };
  }
  const profile = decodeClusterProfile(object);
  if (!profile) return { kind: 'skipped' };
  if (type === 'ADDED' || type === 'MODIFIED') return { kind: 'upsert', profile };
  return type === 'DELETED' ? { kind: 'delete', profile } : { kind: 'skipped' };
}
