import type { Difference } from './differences.ts';

/** A difference that is meant. One that no longer occurs fails the test: what explains nothing goes. */
export interface Explanation {
  /** What a client sees. */
  readonly title: string;
  readonly reason: string;
  /** It has to occur in each of these, and explains nothing elsewhere; without them it explains all steps. */
  readonly steps?: readonly string[];
  readonly covers: (difference: Difference) => boolean;
}

type Covers = Explanation['covers'];

const added =
  (what: string, value: string): Covers =>
  (difference) =>
    difference.what === what && difference.straight === undefined && difference.through === value;

const changed =
  (what: string, straight: string, through: string): Covers =>
  (difference) =>
    difference.what === what && difference.straight === straight && difference.through === through;

/** The sidecar answers instead, and says so. */
const refused =
  (status: number, code: string): Covers =>
  ({ what, through }) =>
    what === 'status'
      ? through === String(status)
      : what === 'header X-Cluster-Inventory-Error'
        ? through === code
        : true;

const errorOfGo = 'an encoding that is none, in the path';

export const explanations: readonly Explanation[] = [
  {
    title: 'X-Content-Type-Options: nosniff is added',
    reason: 'PX-16: no answer of a cluster is taken for a page of the dashboard’s origin',
    covers: added('header X-Content-Type-Options', 'nosniff'),
  },
  {
    title: 'Content-Security-Policy: default-src ’none’; sandbox is added',
    reason: 'PX-16: nor is it rendered as one',
    covers: added('header Content-Security-Policy', "default-src 'none'; sandbox"),
  },
  {
    title: 'Keep-Alive and Connection: keep-alive are added',
    reason: 'They are the sidecar’s own, of its one hop (PX-11); a server in Go leaves both out',
    covers: (difference) =>
      added('header Connection', 'keep-alive')(difference) ||
      added('header Keep-Alive', 'timeout=65')(difference),
  },
  {
    title: 'Connection: close is added to a refused upgrade',
    reason: 'PX-33: nothing further on that socket reaches the cluster',
    steps: [
      'a command in a Pod that is not there',
      'a WebSocket to what has none',
      'a watch over a WebSocket by one of two protocols',
    ],
    covers: added('header Connection', 'close'),
  },
  {
    title: 'Cache-Control: public becomes private, no-cache',
    reason: 'PX-16: a cache in between could answer somebody else, who may not open the cluster',
    steps: [
      'aggregated discovery of /api',
      'aggregated discovery of /apis',
      'aggregated discovery that is known',
    ],
    covers: changed('header Cache-Control', 'public', 'private, no-cache'),
  },
  {
    title: 'Cache-Control: public, immutable becomes private, no-cache',
    reason: 'PX-16, as above',
    steps: [
      'an OpenAPI document by its hash',
      'an OpenAPI document by HEAD',
      'an OpenAPI document that is known',
    ],
    covers: changed('header Cache-Control', 'public, immutable', 'private, no-cache'),
  },
  {
    title: '400 path-refused instead of the cluster’s 404',
    reason: 'PX-02: routers disagree about such paths, and one could read another cluster’s out of it',
    steps: ['a dot segment', 'an encoded dot segment', 'a backslash', 'a NUL'],
    covers: refused(400, 'path-refused'),
  },
  {
    title: 'The 405 of these methods is the sidecar’s own',
    reason: 'PX-05 of TRACE; no right of the hub stands for OPTIONS (ID-11), which the cluster refuses, too',
    steps: ['TRACE', 'OPTIONS'],
    covers: refused(405, 'method-refused'),
  },
  {
    title: 'Cache-Control: no-store is added where there was none',
    reason: 'PX-16: without a word of it a cache may decide by itself',
    steps: [errorOfGo, 'a watch over a WebSocket by one of two protocols'],
    covers: added('header Cache-Control', 'no-store'),
  },
  {
    title: 'Chunks instead of the connection’s end, with a Date',
    reason: 'PX-20: the cluster closes its connection after what it could not read; ours goes on',
    steps: [errorOfGo],
    covers: ({ what }) =>
      ['framing', 'header Connection', 'header Transfer-Encoding', 'header Date'].includes(what),
  },
];

/** Of a whole run: what is explained by what, and what is not. */
export function createJudge(): {
  /** What nothing explains, in words. */
  judge(differences: readonly Difference[]): readonly string[];
  /** What explains nothing any more, in words. */
  findUnused(): readonly string[];
  /** Each explanation, and how often it was needed. */
  describe(): string;
} {
  const occurred = new Map<Explanation, string[]>(explanations.map((each) => [each, []]));
  return {
    judge: (differences) =>
      differences.flatMap((difference) => {
        const by = explanations.find(
          ({ steps, covers }) => (steps?.includes(difference.step) ?? true) && covers(difference),
        );
        if (!by) return [describeDifference(difference)];
        occurred.get(by)?.push(difference.step);
        return [];
      }),
    findUnused: () =>
      explanations.flatMap((each) => {
        const found = occurred.get(each) ?? [];
        if (each.steps)
          return each.steps.filter((step) => !found.includes(step)).map((step) => `${each.title}: ${step}`);
        return found.length === 0 ? [each.title] : [];
      }),
    describe: () =>
      explanations
        .map((each) => {
          const steps = new Set(occurred.get(each)).size;
          return `${String(steps).padStart(4)} × ${each.title}\n       ${each.reason}`;
        })
        .join('\n'),
  };
}

function describeDifference({ step, what, straight = 'none', through = 'none' }: Difference): string {
  let at = 0;
  while (at < straight.length && straight[at] === through[at]) at++;
  const clip = (text: string): string => JSON.stringify(text.slice(Math.max(0, at - 40), at + 200));
  return `${step}: ${what}, from character ${at} on: ${clip(straight)} straight, ${clip(through)} through`;
}
