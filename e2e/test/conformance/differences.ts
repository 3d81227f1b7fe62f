import type { HeaderLine, RawAnswer } from './rawHttp.ts';

/** What a client could tell apart. */
export interface Difference {
  /** The title of the script's step. */
  readonly step: string;
  /** `status`, `body`, `header <Name>`, … */
  readonly what: string;
  /** Undefined where there is none. */
  readonly straight: string | undefined;
  readonly through: string | undefined;
}

/** Of two answers one after the other these differ always; that they are there is compared. */
const volatileHeaders: ReadonlySet<string> = new Set(['date', 'audit-id']);

export type Settle = (body: string) => string;

/** Names are compared as they are spelled, the values of a repeated one in their order. */
export function compareAnswers(
  step: string,
  straight: RawAnswer,
  through: RawAnswer,
  settle: Settle | undefined,
): Difference[] {
  const names = new Set([...straight.headers, ...through.headers].map(([name]) => name));
  const bodyOf = ({ body }: RawAnswer): string =>
    settle ? settle(body.toString('latin1')) : body.toString('latin1');
  const pairs: [what: string, read: (answer: RawAnswer) => string | undefined][] = [
    ['status', ({ status }) => String(status)],
    ['framing', ({ framing }) => framing],
    ['trailers', ({ trailers }) => JSON.stringify(trailers)],
    ['body', bodyOf],
    ...[...names].map((name): [string, (answer: RawAnswer) => string | undefined] => [
      `header ${name}`,
      (answer) => readHeader(answer, name, settle !== undefined),
    ]),
  ];
  return pairs.flatMap(([what, read]) => {
    const [left, right] = [read(straight), read(through)];
    return left === right ? [] : [{ step, what, straight: left, through: right }];
  });
}

function readHeader({ headers, body }: RawAnswer, name: string, isSettled: boolean): string | undefined {
  const values = headers.filter(([each]) => each === name).map(([, value]) => value);
  if (values.length === 0) return undefined;
  const lower = name.toLowerCase();
  if (volatileHeaders.has(lower)) return `${values.length}`;
  // Where what differs in the body was taken out of it, the length tells of nothing but whether it is right.
  if (lower === 'content-length' && isSettled && body.length > 0)
    return Number(values[0]) === body.length ? 'right' : 'wrong';
  return values.join(' | ');
}

/** What two objects made one after the other differ in. */
export const settleObject: Settle = (body) =>
  body
    .replaceAll(/"(resourceVersion|uid|creationTimestamp|time|lastTransitionTime)":"[^"]*"/g, '"$1":"…"')
    .replaceAll(/UID in record \([^)]*\)/g, 'UID in record (…)');

/** Each list of rules in one order: an API server goes through its roles in that of a map, another one each time. */
export const settleRules: Settle = (body) =>
  JSON.stringify(JSON.parse(body), (name, value: unknown) =>
    name.endsWith('Rules') && Array.isArray(value) ? value.map((rule) => JSON.stringify(rule)).sort() : value,
  );

export function headerOf({ headers }: { readonly headers: readonly HeaderLine[] }, name: string): string {
  return headers.find(([each]) => each.toLowerCase() === name.toLowerCase())?.[1] ?? '';
}
