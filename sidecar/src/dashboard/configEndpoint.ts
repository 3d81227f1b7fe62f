import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { type Dispatcher, request as send } from 'undici';
import type { ClusterRegistry } from '../clusters/registry.ts';
import type { Log } from '../foundation/log.ts';
import { dropSessionCookies } from '../identity/sessionCookie.ts';
import { type Clock, sleep } from '../foundation/clock.ts';
import { asCodedError, CodedError } from '../foundation/errors.ts';
import { mergeConfig } from './mergeConfig.ts';
import type { FindSeenClusters, SeenClusters } from './seenClusters.ts';

const compress = promisify(gzip);

export interface ConfigEndpointOptions {
  readonly dashboardUrl: URL;
  /** Rewrites Host for a dashboard that accepts only its own; empty for the browser's (PX-43). */
  readonly dashboardHost: string;
  readonly dispatcher: Dispatcher;
  readonly registry: Pick<ClusterRegistry, 'version'>;
  readonly findSeen: FindSeenClusters;
  /** Whose way of signing in serves all; undefined where nobody signs in. */
  readonly hubContextName: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

interface Built {
  readonly source: string;
  readonly version: number;
  readonly text: string;
  readonly etag: string;
  zipped?: Buffer;
}

/** A dashboard that is starting anew is waited for this long (PX-46). */
const restartGraceMs = 5000;
const retryMs = 250;
const smallestCompressed = 1024;

/**
 * `GET /config`: the dashboard's own answer with the discovered clusters added. Every tab asks every 10 s, so an
 * unchanged answer is a 304 (PX-44); the merged text is built once for each state of both sides.
 */
export function createConfigEndpoint({
  dashboardUrl,
  dashboardHost,
  dispatcher,
  registry,
  findSeen,
  hubContextName,
  clock,
  log,
}: ConfigEndpointOptions) {
  /** For those who see all. */
  let built: Built | undefined;

  const ask = async (
    request: IncomingMessage,
  ): Promise<{ status: number; text: string; headers: Record<string, string | string[]> }> => {
    const {
      'accept-encoding': _encoding,
      'if-none-match': _match,
      connection: _connection,
      cookie,
      ...headers
    } = request.headers;
    const kept = cookie === undefined ? undefined : dropSessionCookies(cookie);
    const deadline = clock.now() + restartGraceMs;
    for (;;) {
      try {
        const answer = await send(new URL(request.url ?? '/config', dashboardUrl), {
          dispatcher,
          headers: {
            ...headers,
            host: dashboardHost || headers.host,
            ...(kept === undefined ? {} : { cookie: kept }),
          },
        });
        return {
          status: answer.statusCode,
          text: await answer.body.text(),
          headers: Object.fromEntries(
            Object.entries(answer.headers).filter(
              ([name, value]) => passedHeaders.has(name) && value !== undefined,
            ),
          ) as Record<string, string | string[]>,
        };
      } catch (cause) {
        if (clock.now() >= deadline) throw new CodedError('dashboard-unreachable', undefined, { cause });
        await sleep(clock, retryMs);
      }
    }
  };

  /** `/config` never fails for the inventory's sake: Headlamp would stop asking (PX-46). */
  const findOrNothing = async (request: IncomingMessage, response: ServerResponse): Promise<SeenClusters> => {
    try {
      return await findSeen(request, response);
    } catch (thrown) {
      const { code } = asCodedError(thrown);
      if (code !== 'sign-in-required') log.debug('/config without the discovered clusters', { code });
      return { entries: [], isAll: false };
    }
  };

  const build = (source: string, config: unknown, { entries, isAll }: SeenClusters): Built => {
    const { version } = registry;
    if (isAll && built?.source === source && built.version === version) return built;
    const text = JSON.stringify(mergeConfig(config, entries, hubContextName));
    const etag = `"${createHash('sha256').update(text).digest('base64url').slice(0, 27)}"`;
    const next: Built =
      isAll && built?.etag === etag ? { ...built, source, version } : { source, version, text, etag };
    if (isAll) built = next;
    return next;
  };

  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const answer = await ask(request);
    const parsed = answer.status === 200 ? parseJson(answer.text) : undefined;
    for (const [name, value] of Object.entries(answer.headers)) response.appendHeader(name, value);
    if (parsed === undefined) {
      response.statusCode = answer.status;
      response.end(answer.text);
      return;
    }
    const current = build(answer.text, parsed, await findOrNothing(request, response));
    response.setHeader('content-type', 'application/json');
    response.setHeader('cache-control', 'private, no-cache');
    response.setHeader('vary', 'Cookie, Authorization, Accept-Encoding');
    response.setHeader('etag', current.etag);
    if (request.headers['if-none-match']?.split(/\s*,\s*/).includes(current.etag)) {
      response.statusCode = 304;
      response.end();
      return;
    }
    if (
      current.text.length >= smallestCompressed &&
      /\bgzip\b/.test(request.headers['accept-encoding'] ?? '')
    ) {
      current.zipped ??= await compress(current.text);
      response.setHeader('content-encoding', 'gzip');
      response.end(current.zipped);
      return;
    }
    response.end(current.text);
  };
}

const passedHeaders = new Set(['content-type', 'set-cookie', 'x-reload']);

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
