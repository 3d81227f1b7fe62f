import type { ClusterEntry } from '../clusters/clusterEntry.ts';
import type { ClusterStatus } from '../clusters/clusterStatus.ts';
import { stages } from '../foundation/errors.ts';
import type { RootState } from '../inventory/inventory.ts';
import type { ClusterDetail, StageSummary } from './clusterTypes.ts';
import { describeAccess, describeCluster, stalenessOf } from './describeClusters.ts';

/** One cluster with its stages and its last states; the diagnosis only for those who may use it (EX-15). */
export function describeDetail(
  entry: ClusterEntry,
  states: readonly RootState[],
  mayUse: boolean,
): ClusterDetail {
  const { profile, status, history } = entry;
  return {
    ...describeCluster(entry, stalenessOf(states)(entry)),
    stages: describeStages(status),
    transitions: history.map(describeAccess),
    conditions: profile.conditions,
    accessProviders: profile.accessProviders.map(({ name }) => name),
    mayUse,
    ...(mayUse && status.diagnosis !== undefined ? { diagnosis: status.diagnosis } : {}),
  };
}

/** Each stage is walked only when those before it are well: what failed says that of them, and nothing of the rest. */
function describeStages(status: ClusterStatus): StageSummary[] {
  const failedAt = status.stage === undefined ? undefined : stages.indexOf(status.stage);
  const { code, message, since } = describeAccess(status);
  /** The profile and its access are known without a walk. */
  const walked = status.state === 'ready' ? stages.length : (failedAt ?? stages.indexOf('credential'));
  return stages.map((stage, index) => {
    if (index === failedAt) {
      return {
        stage,
        state: 'failed',
        ...(code === undefined ? {} : { code }),
        ...(message === undefined ? {} : { message }),
        since,
      };
    }
    return { stage, state: index < walked ? 'ok' : 'not-checked' };
  });
}
