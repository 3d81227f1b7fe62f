import type { Clock } from '../foundation/clock.ts';
import { CodedError } from '../foundation/errors.ts';
import { createHubClient, type HubClient } from '../inventory/hubClient.ts';
import { createHubCredential, type ExecUser } from '../inventory/hubCredential.ts';
import type { Root } from '../inventory/root.ts';

export interface ReviewHub {
  /** The hub that is asked about users; undefined while there is not exactly one. */
  client(): HubClient | undefined;
  setRoots(roots: readonly Root[]): void;
  close(): void;
}

/**
 * Users are those of one hub: with several roots a user of one would be taken for one of another (ID-07).
 * @throws CodedError `options-invalid` when there is not exactly one at the start
 */
export function createReviewHub(roots: readonly Root[], clock: Clock, execUser: ExecUser): ReviewHub {
  let current: { readonly fingerprint: string; readonly client: HubClient } | undefined;

  const setRoots = (next: readonly Root[]): void => {
    const [root] = next;
    const fingerprint = next.length === 1 ? JSON.stringify(root) : '';
    if (current?.fingerprint === fingerprint) return;
    const outdated = current;
    current =
      root === undefined || next.length > 1
        ? undefined
        : { fingerprint, client: createHubClient(root, createHubCredential(root, clock, execUser)) };
    outdated?.client.close();
  };

  if (roots.length !== 1) {
    throw new CodedError(
      'options-invalid',
      `users are those of one hub, and there are ${String(roots.length)} roots: name one with --contexts`,
    );
  }
  setRoots(roots);
  return {
    client: () => current?.client,
    setRoots,
    close: () => current?.client.close(),
  };
}
