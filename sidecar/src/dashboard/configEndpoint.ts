import { hash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Dispatcher } from 'undici';
import { asConnectionError } from '../clusters/connectErrors.ts';
import type { Log } from '../foundation/log.ts';
import { dropSessionCookies } from '../identity/sessionCookie.ts';
import { type Clock, sleep } from '../foundation/clock.ts';
import { asCodedError, CodedError, type ErrorCode } from '../foundation/errors.ts';
import { parseJson } from '../foundation/unknownValue.ts';
import { dropHopByHop } from '../proxy/headerPairs.ts';
import { createClusterPieces, type Piece } from './configPieces.ts';
import { mergeConfig } from './mergeConfig.ts';
import type { FindViewer, SeenClusters, Viewer } from './viewer.ts';

const compress = promisify(gzip);

export interface ConfigEndpointOptions {
  readonly dashboardUrl: URL;
  /** Rewrites Host for a dashboard that accepts only its own; empty for the browser's (PX-43). */
  readonly dashboardHost: string;
  readonly dispatcher: Dispatcher;
  /** Headers of a request that are not for the dashboard, in lower case. */
  readonly hiddenHeaders?: readonly string[];
  readonly findViewer: (...asked: Parameters<FindViewer>) => Promise<Pick<Viewer, 'look'>>;
  /** Whose way of signing in serves all; undefined where nobody signs in. */
  readonly hubContextName: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

interface Built {
  readonly source: string;
  readonly version: number;
  readonly pieces: readonly Piece[];
  readonly size: number;
  readonly etag: string;
  zipped?: Buffer;
}

/** A dashboard that is starting anew is waited for this long (PX-46). */
const restartGraceMs = 5000;
const retryMs = 250;
const smallestCompressed = 1024;

/**
 * `GET /config`: the dashboard's own answer with the discovered clusters added. Every tab asks every 10 s, so an
 * unchanged answer is a 304 (PX-44); what is built for those who see all is built once for each state of both sides.
 */
export function createConfigEndpoint({
  dashboardUrl,
  dashboardHost,
  dispatcher,
  hiddenHeaders = [],
  findViewer,
  hubContextName,
  clock,
  log,
}: ConfigEndpointOptions) {
  /** For those who see all. */
  let built: Built | undefined;
  const clusterPieces = createClusterPieces();

  const ask = async (
    request: IncomingMessage,
  ): Promise<{ status: number; text: string; headers: Record<string, string | string[]> }> => {
    const headers = buildQuestion(request, dashboardHost, hiddenHeaders);
    const deadline = clock.now() + restartGraceMs;
    for (;;) {
      try {
        const { origin, pathname, search } = new URL(request.url ?? '/config', dashboardUrl);
        const answer = await dispatcher.request({ origin, path: pathname + search, method: 'GET', headers });
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
        const { code } = asConnectionError(cause);
        if (!restartCodes.has(code)) throw new CodedError('dashboard-unreachable', undefined, { cause });
        if (clock.now() >= deadline) throw new CodedError('dashboard-restarting', undefined, { cause });
        await sleep(clock, retryMs);
      }
    }
  };

  /** `/config` never fails for the inventory's sake: Headlamp would stop asking (PX-46). */
  const findOrNothing = async (request: IncomingMessage, response: ServerResponse): Promise<SeenClusters> => {
    try {
      return await (await findViewer(request, response)).look();
    } catch (thrown) {
      const { code } = asCodedError(thrown);
      if (code !== 'sign-in-required') log.debug('/config without the discovered clusters', { code });
      return { entries: [], isAll: false, version: -1, isSeen: () => false };
    }
  };

  const build = (source: string, config: unknown, seen: SeenClusters): Built => {
    const { isAll, version } = seen;
    if (isAll && built?.source === source && built.version === version) return built;
    const pieces = mergeConfig(config, seen, hubContextName, clusterPieces);
    const digest = hash('sha256', pieces.map((piece) => piece.digest).join(), 'base64url');
    // Weak: the same whether compressed or not (RFC 9110, 8.8.1).
    const etag = `W/"${digest.slice(0, 27)}"`;
    const size = pieces.reduce((sum, { bytes }) => sum + bytes.length, 0);
    const next: Built =
      isAll && built?.etag === etag ? { ...built, source, version } : { source, version, pieces, size, etag };
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
    if (isMatched(request.headers['if-none-match'], current.etag)) {
      response.statusCode = 304;
      response.end();
      return;
    }
    if (current.size >= smallestCompressed && isGzipAccepted(request.headers['accept-encoding'])) {
      current.zipped ??= await compress(Buffer.concat(current.pieces.map(({ bytes }) => bytes)));
      response.setHeader('content-encoding', 'gzip');
      response.end(current.zipped);
      return;
    }
    response.setHeader('content-length', current.size);
    // All in one write, with no copy of what others are sent as well.
    response.cork();
    for (const { bytes } of current.pieces) response.write(bytes);
    response.end();
  };
}

const passedHeaders = new Set(['content-type', 'set-cookie', 'x-reload']);

/** What a dashboard that is starting anew does to whoever asks it. */
const restartCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'name-not-found',
  'connection-refused',
  'connection-reset',
  'connection-failed',
  'connect-timeout',
]);

/** Headers about one connection, about a body that is not sent on, or about what is decided here. */
const notAsked = /^(host|cookie|expect|content-length|http2-settings|accept-encoding|range|if-.*)$/i;

/** The browser's headers as the dashboard is asked: nothing that is about the browser's own connection (PX-11). */
function buildQuestion(
  request: IncomingMessage,
  dashboardHost: string,
  hiddenHeaders: readonly string[],
): string[] {
  const { host, cookie } = request.headers;
  const kept = cookie === undefined ? undefined : dropSessionCookies(cookie);
  const asked = dashboardHost || host;
  return [
    ...(asked === undefined ? [] : ['host', asked]),
    ...(kept === undefined ? [] : ['cookie', kept]),
    ...dropHopByHop(request.rawHeaders)
      .filter(([name]) => !notAsked.test(name) && !hiddenHeaders.includes(name.toLowerCase()))
      .flat(),
  ];
}

/** Weakly compared, as is due for a read (RFC 9110, 13.1.2). */
function isMatched(header: string | undefined, etag: string): boolean {
  const opaque = (tag: string): string => tag.trim().replace(/^W\//, '');
  return (
    header !== undefined && (header.trim() === '*' || header.split(',').map(opaque).includes(opaque(etag)))
  );
}

/** Named with a weight above 0; else `*` stands for it (RFC 9110, 12.5.3). */
function isGzipAccepted(header = ''): boolean {
  const weights = new Map(
    header.split(',').map((each) => {
      const [coding = '', ...parameters] = each.split(';').map((part) => part.trim().toLowerCase());
      const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
      return [coding, weight === undefined ? 1 : Number(weight)];
    }),
  );
  return (weights.get('gzip') ?? weights.get('*') ?? 0) > 0;
}
