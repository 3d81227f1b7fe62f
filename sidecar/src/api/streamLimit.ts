import { CodedError } from '../foundation/errors.ts';

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
  const open = new Map<string, number>();
  let total = 0;
  return {
    take(userName) {
      const ofUser = open.get(userName) ?? 0;
      if (total >= inAll || ofUser >= perUser) throw new CodedError('too-many-streams');
      total++;
      open.set(userName, ofUser + 1);
      return () => {
        total--;
        const left = (open.get(userName) ?? 1) - 1;
        if (left > 0) open.set(userName, left);
        else open.delete(userName);
      };
    },
  };
}
