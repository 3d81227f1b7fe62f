import { Table } from '@kinvolk/headlamp-plugin/lib/CommonComponents';
import { useMediaQuery } from '@mui/material';
import { useMemo } from 'react';
import { useText } from '../hooks/useText.ts';
import type { ClusterRow } from '../model/clusterRow.ts';
import { buildColumns } from './clusterColumns.tsx';

/** Found by everything that is known of a cluster, shown or not. */
const SEARCH_FUNCTIONS = {
  everything: (row: { original: ClusterRow }, _columnId: string, query: unknown) =>
    row.original.searchText.includes(String(query).toLowerCase()),
};
const INITIAL_STATE = { globalFilterFn: 'everything' };

/** Headlamp's table: search, sorting, filters, choice of columns, pages. */
export function ClusterTable({ rows }: { rows: ClusterRow[] }) {
  const { t, language } = useText();
  const isNarrow = useMediaQuery('(max-width:599px)');
  const columns = useMemo(() => buildColumns(t, isNarrow), [t, isNarrow]);
  return (
    <Table<ClusterRow>
      // Its head keeps the texts and columns that it was first drawn with.
      key={`${language} ${isNarrow}`}
      columns={columns}
      data={rows}
      getRowId={(row) => row.name}
      filterFns={SEARCH_FUNCTIONS}
      initialState={INITIAL_STATE}
      enableGlobalFilterRankedResults={false}
      emptyMessage={t('There are no clusters to show.')}
      reflectInURL
    />
  );
}
