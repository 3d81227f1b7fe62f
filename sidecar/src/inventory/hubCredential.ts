import { readFile } from 'node:fs/promises';
import type { Clock } from '../foundation/clock.ts';
import { CodedError } from '../foundation/errors.ts';
import type { UnknownRecord } from '../foundation/unknownValue.ts';
import type { Root } from './root.ts';

interface RootCredential {
  readonly authorization?: string;
  readonly clientCertificate?: { readonly certificate: string; readonly key: string };
}

/** How the sidecar proves itself to one hub. */
export interface HubCredential {
  get(): Promise<RootCredential>;
  /** The hub answered 401: what is remembered is read anew (DI-15). */
  renew(): void;
  /** The root is gone, and with it what was opened for it. */
  close(): void;
}

/**
 * What a kubeconfig's `user.exec` answers; made outside, where plugins are run. Never throws: what is wrong with it is
 * what `get` rejects with, and so the failure of that root alone (DI-04).
 */
export type ExecUser = (
  root: Root,
  exec: UnknownRecord,
) => {
  get(): Promise<{
    readonly token?: string;
    readonly clientCertificate?: { certificate: string; key: string };
  }>;
  renew(): void;
  close(): void;
};

/** A mounted token is read again after this long; the kubelet swaps it well before it expires. */
const tokenFileMaxAgeMs = 10_000;

export function createHubCredential(root: Root, clock: Clock, execUser: ExecUser): HubCredential {
  const { user } = root;
  if (user.exec) {
    const source = execUser(root, user.exec);
    return {
      async get() {
        const { token, clientCertificate } = await source.get();
        return {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(clientCertificate === undefined ? {} : { clientCertificate }),
        };
      },
      renew: () => {
        source.renew();
      },
      close: () => {
        source.close();
      },
    };
  }
  const certificate =
    user.clientCertificate === undefined ? {} : { clientCertificate: user.clientCertificate };
  if (user.tokenFile !== undefined) return createTokenFileCredential(user.tokenFile, certificate, clock);
  const authorization =
    user.token !== undefined
      ? `Bearer ${user.token}`
      : user.basic &&
        `Basic ${Buffer.from(`${user.basic.username}:${user.basic.password}`).toString('base64')}`;
  const fixed = { ...(authorization === undefined ? {} : { authorization }), ...certificate };
  return { get: () => Promise.resolve(fixed), renew: () => undefined, close: () => undefined };
}

function createTokenFileCredential(
  path: string,
  certificate: Pick<RootCredential, 'clientCertificate'>,
  clock: Clock,
): HubCredential {
  let known: { readonly token: string; readonly readAt: number } | undefined;
  return {
    async get() {
      if (known === undefined || clock.now() - known.readAt >= tokenFileMaxAgeMs) {
        const text = await readFile(path, 'utf8').catch((cause: unknown) => {
          if (known) return known.token;
          throw new CodedError('hub-refused', 'the token of the ServiceAccount cannot be read', { cause });
        });
        // An empty file is one that is being written: the token before it still serves.
        const token = text.trim() || known?.token;
        if (token === undefined)
          throw new CodedError('hub-refused', 'the token of the ServiceAccount is empty');
        known = { token, readAt: clock.now() };
      }
      return { authorization: `Bearer ${known.token}`, ...certificate };
    },
    renew() {
      if (known) known = { ...known, readAt: Number.NEGATIVE_INFINITY };
    },
    close: () => undefined,
  };
}
