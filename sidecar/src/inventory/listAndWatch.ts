import type { Clock } from '../foundation/clock.ts';
import { CodedError } from '../foundation/errors.ts';
import { asArray, asRecord, asText, isRecord, type UnknownRecord } from '../foundation/unknownValue.ts';
import {
  type ClusterProfile,
  clusterProfileGroup,
  clusterProfileResource,
  decodeClusterProfile,
} from './clusterProfile.ts';
import type { HubClient } from './hubClient.ts';
import { readBodyText, readLines } from './readBody.ts';
import { armSilenceLimit } from './silenceLimit.ts';

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

/** What is asked of a hub, and until when. */
export interface HubQuestion {
  readonly client: HubClient;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const pageLimit = 500;
/** An answer of which nothing comes for this long will not come (DI-26). */
const answerSilenceMs = 60_000;
const maxBodyBytes = 256 * 1024 * 1024;
const maxLineBytes = 16 * 1024 * 1024;

async function readAnswer(
  { client, clock, signal }: HubQuestion,
  path: string,
): Promise<{ readonly status: number; readonly text: string }> {
  const silence = armSilenceLimit(clock, answerSilenceMs);
  try {
    const { status, body } = await client.get(path, { signal: AbortSignal.any([signal, silence.signal]) });
    const text = await readBodyText(silence.guard(body), maxBodyBytes).catch((cause: unknown) => {
      throw new CodedError('hub-unreachable', 'the hub broke off its answer', { cause });
    });
    return { status, text };
  } catch (cause) {
    if (!silence.signal.aborted) throw cause;
    throw new CodedError('hub-unreachable', 'the hub went silent in its answer', { cause });
  } finally {
    silence.end();
  }
}

async function readJson(question: HubQuestion, path: string): Promise<Record<string, unknown>> {
  const { status, text } = await readAnswer(question, path);
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
export async function discoverVersion(question: HubQuestion): Promise<string> {
  const group = await readJson(question, `/apis/${clusterProfileGroup}`);
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
  question: HubQuestion,
  version: string,
  scope: ListScope,
): Promise<CompleteList> {
  try {
    return await listPages(question, version, scope, String(pageLimit));
  } catch (thrown) {
    if (!(thrown instanceof HubAnswer && thrown.status === 410)) throw thrown;
    return await listPages(question, version, scope, undefined);
  }
}

async function listPages(
  question: HubQuestion,
  version: string,
  scope: ListScope,
  limit: string | undefined,
): Promise<CompleteList> {
  const ask = (continueToken: string | undefined): Promise<UnknownRecord> =>
    readJson(
      question,
      buildPath(version, scope, {
        ...(limit === undefined ? {} : { limit }),
        ...(continueToken === undefined ? {} : { continue: continueToken }),
      }),
    );
  const profiles: ClusterProfile[] = [];
  let skipped = 0;
  let asked = ask(undefined);
  for (;;) {
    const page = await asked;
    const metadata = asRecord(page['metadata']);
    const continueToken = asText(metadata['continue']);
    // The hub makes the next page while this one is decoded.
    if (continueToken !== undefined) asked = ask(continueToken);
    for (const item of asArray(page['items'])) {
      const profile = decodeClusterProfile(item);
      if (profile) profiles.push(profile);
      else skipped++;
    }
    if (continueToken === undefined)
      return { profiles, skipped, resourceVersion: asText(metadata['resourceVersion']) ?? '' };
  }
}

export type WatchEvent =
  /** The hub accepted the watch: what is held is what it goes on from. */
  | { readonly kind: 'begun' }
  | { readonly kind: 'upsert'; readonly profile: ClusterProfile }
  | { readonly kind: 'delete'; readonly profile: ClusterProfile }
  | { readonly kind: 'bookmark'; readonly resourceVersion: string }
  | { readonly kind: 'skipped' };

export interface WatchRequest extends HubQuestion {
  readonly version: string;
  readonly scope: ListScope;
  readonly resourceVersion: string;
  /** Asked of the hub: it ends the watch after this many seconds (DI-22). */
  readonly timeoutSeconds: number;
  /** Ends the watch when nothing at all comes for this long (DI-26). */
  readonly silenceMs: number;
}

/**
 * The events of one watch, until the hub ends it.
 * @throws HubAnswer for a refusal or an ERROR event, CodedError `hub-unreachable` for a broken or silent connection
 */
export async function* watchProfiles(request: WatchRequest): AsyncGenerator<WatchEvent> {
  const { client, version, scope, resourceVersion, timeoutSeconds, silenceMs, clock, signal } = request;
  const path = buildPath(version, scope, {
    watch: 'true',
    allowWatchBookmarks: 'true',
    timeoutSeconds: String(timeoutSeconds),
    resourceVersion,
  });
  const silence = armSilenceLimit(clock, silenceMs);
  try {
    const { status, body } = await client.get(path, { signal: AbortSignal.any([signal, silence.signal]) });
    if (status !== 200) {
      const text = await readBodyText(body, maxLineBytes);
      throw new HubAnswer(status, text.slice(0, 200));
    }
    yield { kind: 'begun' };
    for await (const line of readLines(silence.guard(body), maxLineBytes)) {
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
    silence.end();
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
