import { CodedError } from '../foundation/errors.ts';
import { createTally } from '../foundation/tally.ts';

/** How many event streams may be open, in all and of one user. */
export interface StreamLimit {
  /** @returns gives the place back @throws CodedError `too-many-streams` */
  take(userName: string): () => void;
}

export interface StreamLimitOptions {
  readonly inAll: number;
  readonly perUser: number;
}

export function createStreamLimit({ inAll, perUser }: StreamLimitOptions): StreamLimit {
  const open = createTally();
  let total = 0;
  return {
    take(userName) {
      if (total >= inAll || open.count(userName) >= perUser) throw new CodedError('too-many-streams');
      total++;
      open.change(userName, 1);
      let isOpen = true;
      return () => {
        if (!isOpen) return;
        isOpen = false;
        total--;
        open.change(userName, -1);
      };
    },
  };
}
