import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { expect, it } from 'vitest';
import { buildSessionCookies } from '../../src/identity/sessionCookie.ts';
import { CodedError } from '../../src/foundation/errors.ts';
import { createSessionAudit } from '../../src/server/sessionAudit.ts';
import { createAuditLog } from '../../src/telemetry/audit.ts';
import { person } from '../support/fakeReviews.ts';
import { createManualClock } from '../support/manualClock.ts';

const users = new Map(['ann', 'ben'].flatMap((name) => [1, 2].map((n) => [`${name}-${n}`, person(name)])));

/** What is written when the dashboard's answer to somebody with one session is copied as another. */
async function see(before: string | undefined, after: string | undefined): Promise<readonly unknown[]> {
  const texts: string[] = [];
  const attributes = { basePath: '', secure: false, maxAgeSeconds: 1 };
  const copies = after === undefined ? [] : buildSessionCookies(after, before, attributes);
  const copyCookies = createSessionAudit({
    gate: {
      identifyToken: (token) => {
        const user = users.get(token);
        return user ? Promise.resolve(user) : Promise.reject(new CodedError('token-rejected'));
      },
    },
    session: { copyCookies: () => copies },
    audit: createAuditLog({
      mode: 'writes',
      clock: createManualClock(),
      write: (line) => texts.push(line),
    }),
    sourceAddress: () => '192.0.2.1',
  });
  const request = new IncomingMessage(new Socket());
  if (before !== undefined) request.headers.cookie = `cluster-inventory-session.0=${before}`;
  expect(copyCookies(['of the dashboard'], request)).toBe(copies);
  await new Promise((resolve) => setImmediate(resolve));
  expect(texts.join('')).not.toMatch(/ann-|ben-|gone-/);
  return texts.map((text) => {
    const { event, user, sourceAddress } = JSON.parse(text) as Record<string, unknown>;
    expect(sourceAddress).toBe('192.0.2.1');
    return [event, user];
  });
}

it.each<[string, string | undefined, string | undefined, readonly unknown[]]>([
  ['signs in', undefined, 'ann-1', [['sign-in', 'ann']]],
  ['signs in as another', 'ben-1', 'ann-1', [['sign-in', 'ann']]],
  ['signs in after a session that is over', 'gone-1', 'ann-1', [['sign-in', 'ann']]],
  ['signs out', 'ann-1', '', [['sign-out', 'ann']]],
  ['signs out of a session that is over', 'gone-1', '', [['sign-out', undefined]]],
  ['is renewed', 'ann-1', 'ann-2', []],
  ['gets a cookie that is no session', 'ann-1', undefined, []],
])('[ID-30] at the dashboard somebody %s', async (_what, before, after, written) => {
  expect(await see(before, after)).toEqual(written);
});
