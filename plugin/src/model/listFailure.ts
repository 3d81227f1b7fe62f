/** Why there is no list: each kind asks another thing of the reader. */
export type ListFailure = 'sidecar-missing' | 'unreachable' | 'signed-out' | 'forbidden' | 'failed';

interface FailureTexts {
  readonly title: string;
  /** What to do. */
  readonly advice: string;
}

const TEXTS: Readonly<Record<ListFailure, FailureTexts>> = {
  'sidecar-missing': {
    title: 'The Cluster Inventory sidecar is not there.',
    advice: 'Ask whoever runs this dashboard to put the sidecar in front of it.',
  },
  unreachable: {
    title: 'The Cluster Inventory sidecar does not answer.',
    advice: 'We ask again every 5 seconds.',
  },
  'signed-out': {
    title: 'You are signed out.',
    advice: 'Open one of the clusters below to sign in, then come back.',
  },
  forbidden: {
    title: 'You may not see the Cluster Inventory.',
    advice: 'Ask for a Role that lets you list ClusterProfiles.',
  },
  failed: {
    title: 'The Cluster Inventory sidecar gave an answer that this plugin does not understand.',
    advice: 'Check that the plugin and the sidecar are of the same version.',
  },
};

/** English sentences: the keys of their translations. */
export function describeFailure(failure: ListFailure): FailureTexts {
  return TEXTS[failure];
}

export const FAILURE_SENTENCES: readonly string[] = Object.values(TEXTS).flatMap(({ title, advice }) => [
  title,
  advice,
]);
