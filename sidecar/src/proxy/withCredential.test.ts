import { describe, expect, it } from 'vitest';
import { codedErrorOf } from '../../test/support/codedErrorOf.ts';
import type { Credential, CredentialSource } from '../credentials/credential.ts';
import { CodedError } from '../foundation/errors.ts';
import type { ForwardContext } from './context.ts';
import { parseKubernetesRequest } from './kubernetesRequest.ts';
import { type Attempt, isRejected, withCredential } from './withCredential.ts';

const own: Credential = { token: 'of-the-user', connectionKey: '' };

function setUp(userCredential?: Credential, held?: Credential) {
  const events: string[] = [];
  let runs = 0;
  const credentials: CredentialSource = {
    get() {
      events.push('get');
      return Promise.resolve({ token: `token-${++runs}`, connectionKey: '' });
    },
    current: () => held,
    reject: ({ token }) => events.push(`reject ${token ?? ''}`),
    close: () => undefined,
  };
  const context = { cluster: { credentials }, userCredential } as unknown as ForwardContext;
  return {
    events,
    send: (mayRepeat: boolean, ...answers: readonly (Attempt | Error)[]) => {
      const left = [...answers];
      return withCredential(context, mayRepeat, ({ token }, isLast) => {
        events.push(`${token ?? ''}${isLast ? ', last' : ''}`);
        const answer = left.shift();
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer ?? 'done');
      });
    },
  };
}

describe('the provider’s credential', () => {
  it('[EX-21] is sent at once where it is held; what follows a 401 is asked for', async () => {
    const { events, send } = setUp(undefined, { token: 'held', connectionKey: '' });
    await send(true, 'unauthorized', 'done');
    expect(events).toEqual(['held', 'reject held', 'get', 'token-1, last']);
  });

  it('EX-25: is sent once where it is taken', async () => {
    const { events, send } = setUp();
    await send(true, 'done');
    expect(events).toEqual(['get', 'token-1']);
  });

  it('EX-25: is dropped and renewed once where it is not', async () => {
    const { events, send } = setUp();
    await send(true, 'unauthorized', 'done');
    expect(events).toEqual(['get', 'token-1', 'reject token-1', 'get', 'token-2, last']);
  });

  it('EX-25: is known to be the last where nothing may be sent twice', async () => {
    const { events, send } = setUp();
    await send(false, 'done');
    expect(events).toEqual(['get', 'token-1, last']);
  });

  it('EX-25: is at fault where the next one is not taken either', async () => {
    const { send } = setUp();
    const error = await codedErrorOf(() => send(true, 'unauthorized', 'unauthorized'));
    expect(error.code).toBe('plugin-credential-rejected');
  });

  it('EX-25: is not renewed for another fault', async () => {
    const { events, send } = setUp();
    const error = await codedErrorOf(() => send(true, new CodedError('connection-reset')));
    expect([error.code, events]).toEqual(['connection-reset', ['get', 'token-1']]);
  });
});

describe('the user’s own', () => {
  it('ID-20: is sent once, and nobody is asked for another', async () => {
    for (const answer of ['done', 'unauthorized'] as const) {
      const { events, send } = setUp(own);
      await send(true, answer);
      expect(events).toEqual(['of-the-user, last']);
    }
  });
});

it.each<[number, string, Credential | undefined, boolean]>([
  [401, '/api/v1/pods', undefined, true],
  [403, '/api/v1/pods', undefined, false],
  [200, '/api/v1/pods', undefined, false],
  // The app's own, which nobody here can renew.
  [401, '/api/v1/namespaces/n/services/s/proxy/', undefined, false],
  [401, '/api/v1/pods', own, false],
])(
  'EX-25: a %i of %s rejects the provider’s credential, unless it is another’s',
  (status, rest, userCredential, expected) => {
    const asked = parseKubernetesRequest(rest);
    expect(isRejected(status, { asked, userCredential } as ForwardContext)).toBe(expected);
  },
);
