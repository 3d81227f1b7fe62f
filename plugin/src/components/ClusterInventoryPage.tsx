import { K8s } from '@kinvolk/headlamp-plugin/lib';
import { Loader, SectionBox } from '@kinvolk/headlamp-plugin/lib/CommonComponents';
import { Box } from '@mui/material';
import { useMemo } from 'react';
import { headlampFeed } from '../api/headlampFeed.ts';
import { useClusterInventory } from '../hooks/useClusterInventory.ts';
import { useText } from '../hooks/useText.ts';
import { buildRows } from '../model/clusterRow.ts';
import { buildRootNotices } from '../model/rootNotices.ts';
import { AlphaBadge } from './AlphaBadge.tsx';
import { ClusterTable } from './ClusterTable.tsx';
import { FailureNotice } from './FailureNotice.tsx';
import { RootNotices } from './RootNotices.tsx';
import { VISUALLY_HIDDEN } from './visuallyHidden.ts';

/** Every cluster that the user may see: the discovered ones, and the dashboard's own. */
export function ClusterInventoryPage() {
  const { t, isReady } = useText();
  const { inventory, failure, loadedAtMs, isLoading } = useClusterInventory(headlampFeed);
  const configured = K8s.useClustersConf();
  const rows = useMemo(() => buildRows(inventory, Object.values(configured ?? {})), [inventory, configured]);
  const notices = useMemo(() => (inventory ? buildRootNotices(inventory) : []), [inventory]);

  if (!isReady) return null;
  return (
    <SectionBox
      title={t('Cluster Inventory')}
      headerProps={{ headerStyle: 'main', titleSideActions: [<AlphaBadge key="alpha" />] }}
    >
      {isLoading || configured === null ? (
        <Loader title={t('The clusters are being loaded.')} />
      ) : (
        <>
          {failure !== undefined && (
            <FailureNotice failure={failure} loadedAtMs={loadedAtMs} onRetry={headlampFeed.reload} />
          )}
          <RootNotices notices={notices} />
          <Box role="status" aria-live="polite" sx={VISUALLY_HIDDEN}>
            {t('{{count}} clusters are listed.', { count: rows.length })}
          </Box>
          <ClusterTable rows={rows} />
        </>
      )}
    </SectionBox>
  );
}
