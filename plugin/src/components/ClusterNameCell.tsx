import { Box, Link, Typography } from '@mui/material';
import { Link as RouterLink } from 'react-router-dom';
import { buildPodsPath } from '../model/clusterPath.ts';
import type { ClusterRow } from '../model/clusterRow.ts';

/** The name that people know, as the way into the cluster's Pods. */
export function ClusterNameCell({ row }: { row: ClusterRow }) {
  return (
    <Box sx={{ minWidth: 0 }}>
      <Link component={RouterLink} to={buildPodsPath(row.name)} dir="auto" sx={{ overflowWrap: 'anywhere' }}>
        <bdi>{row.displayName}</bdi>
      </Link>
      {row.qualifier !== undefined && (
        <Typography variant="body2" color="text.secondary" dir="auto" sx={{ overflowWrap: 'anywhere' }}>
          {row.qualifier}
        </Typography>
      )}
    </Box>
  );
}
