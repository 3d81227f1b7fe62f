import type { ServerResponse } from 'node:http';
import type { Clock } from '../foundation/clock.ts';
import { BoundedMap } from '../identity/boundedMap.ts';
import { createLane } from '../identity/lane.ts';
import { digest } from '../identity/user.ts';

/** What the dashboard made of a session: its next token, with the cookies of both. */
export interface Renewed {
  readonly token: string;
  readonly setCookies: readonly string[];
}

export interface RenewedSession extends Renewed {
  /** For the browser, with the next answer; empty once its session ended or is another's. */
  readonly setCookies: readonly string[];
  /** Adds them to an answer, out of which they are taken again where that comes before its head. */
  addTo(response: ServerResponse): void;
}

export interface SessionRenewals {
  /** One at a time a session; what came of it serves for a moment longer. Undefined where nothing did. */
  renew(
    token: string,
    ask: () => Promise<Renewed | undefined>,
    onRenewed: (next: string) => void,
  ): Promise<RenewedSession | undefined>;
  /** The session ended or is another's: no late request brings it back. @returns its tokens */
  end(token: string): ReadonlySet<string>;
  /** A token signs in, whatever became of it before. */
  begin(token: string): void;
}

/** A browser sends the old cookie for a while: with what waited for a connection, or after an answer that was lost. */
const keepRenewedMs = 10_000;
const keepEndedMs = 60_000;
/** Anybody can end sessions that they make up, as fast as they can ask: those crowd out none that was good. */
const maxEnded = { known: 20_000, strangers: 5_000 };
/** Anybody can make up a session: of those that were never good some at a time ask the dashboard, and few wait. */
const strangers = { concurrent: 4, waiting: 32 };

interface Renewal {
  readonly outcome: Promise<RenewedSession | undefined>;
  next?: string;
  isOver: boolean;
  /** Answers that carry its cookies, and have not begun. */
  readonly carriers: Map<ServerResponse, readonly string[]>;
}

export function createSessionRenewals(clock: Clock, isKnown: (token: string) => boolean): SessionRenewals {
  /** By the token that is renewed: under way, and of late. */
  const renewals = new Map<string, Renewal>();
  /** When, by the digest: a token is as long as a request's headers let it be. */
  const endedKnown = new BoundedMap<string, number>(maxEnded.known);
  const endedStrangers = new BoundedMap<string, number>(maxEnded.strangers);
  const lane = createLane(strangers, () => new Error('too many'));

  const forget = (token: string, renewal: Renewal): void => {
    if (renewals.get(token) === renewal) renewals.delete(token);
  };

  const hasEnded = (token: string): boolean => {
    const key = digest(token);
    const at = endedKnown.get(key) ?? endedStrangers.get(key);
    return at !== undefined && clock.now() - at < keepEndedMs;
  };

  const endRenewal = (renewal: Renewal): void => {
    renewal.isOver = true;
    for (const [response, setCookies] of renewal.carriers) takeOut(response, setCookies);
    renewal.carriers.clear();
  };

  return {
    renew(token, ask, onRenewed) {
      if (hasEnded(token)) return Promise.resolve(undefined);
      const present = renewals.get(token);
      if (present) return present.outcome;
      const run = async (): Promise<RenewedSession | undefined> => {
        const renewed = await (isKnown(token) ? ask() : lane(ask)).catch(() => undefined);
        // Who signed out meanwhile remains so.
        if (renewal.isOver) return undefined;
        if (renewed === undefined) {
          forget(token, renewal);
          return undefined;
        }
        renewal.next = renewed.token;
        onRenewed(renewed.token);
        clock.after(keepRenewedMs, () => {
          forget(token, renewal);
        });
        return describe(renewed, renewal);
      };
      const renewal: Renewal = {
        isOver: false,
        carriers: new Map(),
        // Only in the next turn, when it is there.
        outcome: Promise.resolve().then(run),
      };
      renewals.set(token, renewal);
      return renewal.outcome;
    },
    end(token) {
      const tokens = new Set([token]);
      for (const [previous, renewal] of renewals) {
        if (previous !== token && renewal.next !== token) continue;
        renewals.delete(previous);
        endRenewal(renewal);
        tokens.add(previous);
        if (renewal.next !== undefined) tokens.add(renewal.next);
      }
      for (const each of tokens) {
        (isKnown(each) ? endedKnown : endedStrangers).set(digest(each), clock.now());
      }
      return tokens;
    },
    begin(token) {
      endedKnown.delete(digest(token));
      endedStrangers.delete(digest(token));
    },
  };
}

function describe({ token, setCookies }: Renewed, renewal: Renewal): RenewedSession {
  return {
    token,
    get setCookies() {
      return renewal.isOver ? [] : setCookies;
    },
    addTo(response) {
      if (renewal.isOver) return;
      // Node keeps the list that it is given, and adds to it.
      response.appendHeader('Set-Cookie', [...setCookies]);
      renewal.carriers.set(response, setCookies);
      response.once('close', () => renewal.carriers.delete(response));
    },
  };
}

function takeOut(response: ServerResponse, setCookies: readonly string[]): void {
  if (response.headersSent) return;
  const kept = [response.getHeader('Set-Cookie') ?? []]
    .flat()
    .map(String)
    .filter((line) => !setCookies.includes(line));
  if (kept.length === 0) response.removeHeader('Set-Cookie');
  else response.setHeader('Set-Cookie', kept);
}
