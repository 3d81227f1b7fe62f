import type { TableColumn } from '@kinvolk/headlamp-plugin/lib/components/common/Table/Table';
import type { ClusterRow } from '../model/clusterRow.ts';
import { describeSource } from '../model/source.ts';
import { describeAccess, describeHealth, isHealthWorse } from '../model/states.ts';
import { ClusterNameCell } from './ClusterNameCell.tsx';
import { StateLabel, type StateLabelProps } from './StateLabel.tsx';

type Column = TableColumn<ClusterRow, string>;
type Translate = (sentence: string) => string;

/**
 * Headlamp draws a cell anew only when the value of its accessor changes: so each value holds everything that
 * its cell shows, and begins with what the column sorts by.
 */
export function buildColumns(t: Translate, isNarrow: boolean): Column[] {
  const name: Column = {
    id: 'name',
    header: t('Name'),
    gridTemplate: isNarrow ? 'minmax(6rem, 1fr)' : 'minmax(10rem, 2fr)',
    accessorFn: ({ displayName, qualifier, name }) => [displayName, qualifier, name].join('\n'),
    Cell: ({ row }) => <ClusterNameCell row={row.original} />,
  };
  if (isNarrow) {
    return [
      name,
      stateColumn(
        'state',
        t('State'),
        (row) => (isHealthWorse(row.health.state, row.access.state) ? healthOf(row) : accessOf(row)),
        t,
      ),
    ];
  }
  return [
    name,
    stateColumn('health', t('Health'), healthOf, t),
    stateColumn('access', t('Access'), accessOf, t),
    textColumn('version', t('Version'), '8rem', ({ version }) => version),
    textColumn('manager', t('Cluster manager'), '9.5rem', ({ manager }) => manager),
    textColumn('source', t('Source'), '9.5rem', ({ source }) => t(describeSource(source))),
  ];
}

function healthOf({ health, stale }: ClusterRow): StateLabelProps {
  return { ...describeHealth(health.state), message: health.message, since: health.since, stale };
}

function accessOf({ access, stale }: ClusterRow): StateLabelProps {
  return { ...describeAccess(access.state), message: access.message, since: access.since, stale };
}

function stateColumn(
  id: string,
  header: string,
  read: (row: ClusterRow) => StateLabelProps,
  t: Translate,
): Column {
  return {
    id,
    header,
    gridTemplate: 'minmax(11rem, 1.6fr)',
    accessorFn: (row) => {
      const { word, message, since, stale } = read(row);
      return [t(word), message, since, stale?.since ?? stale !== undefined].join('\n');
    },
    Cell: ({ row }) => <StateLabel {...read(row.original)} />,
  };
}

function textColumn(id: string, header: string, minWidth: string, read: (row: ClusterRow) => string): Column {
  return {
    id,
    header,
    gridTemplate: `minmax(${minWidth}, 1fr)`,
    accessorFn: read,
    Cell: ({ row }) => <bdi>{read(row.original) || '—'}</bdi>,
  };
}
