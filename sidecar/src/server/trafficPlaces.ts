import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { CodedError } from '../foundation/errors.ts';
import { createTally } from '../foundation/tally.ts';

/** How much may be under way at a time. A stream is whatever nothing bounds: a watch, a followed log, an upgrade. */
export interface TrafficLimits {
  readonly maxStreams: number;
  readonly maxStreamsPerCluster: number;
  /** To all clusters together. */
  readonly maxStreamsPerUser: number;
  /** Of what is no stream. */
  readonly maxRequestsPerCluster: number;
}

export interface PlaceWanted {
  readonly cluster: string;
  /** Undefined where nobody is asked who they are. */
  readonly user: string | undefined;
  readonly isStream: boolean;
  /** Who leaves with its `close`; undefined for a request that is made here. */
  readonly client?: ServerResponse | Socket | undefined;
}

/** A place for each request to a cluster that is under way (PX-28). */
export interface TrafficPlaces {
  /**
   * It is given back by itself when the client leaves, who may do so while a plugin runs.
   * @returns gives it back, however often it is called
   * @throws CodedError that says which limit is reached
   */
  take(wanted: PlaceWanted): () => void;
}

export function createTrafficPlaces(limits: TrafficLimits): TrafficPlaces {
  const streamsOfClusters = createTally();
  const streamsOfUsers = createTally();
  const requestsOfClusters = createTally();
  let streams = 0;
  const assertFree = ({ cluster, user, isStream }: PlaceWanted): void => {
    if (!isStream) {
      if (requestsOfClusters.count(cluster) >= limits.maxRequestsPerCluster)
        throw new CodedError('too-many-requests-of-cluster');
      return;
    }
    // What is the user's own to mend is said first.
    if (user !== undefined && streamsOfUsers.count(user) >= limits.maxStreamsPerUser)
      throw new CodedError('too-many-streams-of-user');
    if (streamsOfClusters.count(cluster) >= limits.maxStreamsPerCluster)
      throw new CodedError('too-many-streams-of-cluster');
    if (streams >= limits.maxStreams) throw new CodedError('too-many-streams-in-all');
  };
  const change = ({ cluster, user, isStream }: PlaceWanted, by: 1 | -1): void => {
    if (!isStream) {
      requestsOfClusters.change(cluster, by);
      return;
    }
    streams += by;
    streamsOfClusters.change(cluster, by);
    if (user !== undefined) streamsOfUsers.change(user, by);
  };
  return {
    take(wanted) {
      assertFree(wanted);
      change(wanted, 1);
      const { client } = wanted;
      let isTaken = true;
      const leave = (): void => {
        if (!isTaken) return;
        isTaken = false;
        client?.off('close', leave);
        change(wanted, -1);
      };
      client?.on('close', leave);
      // It may have happened while the hub was asked.
      if (client?.destroyed) leave();
      return leave;
    },
  };
}
