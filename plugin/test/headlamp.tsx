import { memo, type ComponentType, type ReactNode } from 'react';
import type { ClusterRow, ConfiguredCluster } from '../src/model/clusterRow.ts';
import { createTranslate } from './createTranslate.ts';

/**
 * In place of Headlamp's library, which does not load outside its own build: what the plugin takes from it, drawn as
 * plainly as can be. The end-to-end tests draw the real one.
 */
const TRANSLATE = { en: await createTranslate('en'), de: await createTranslate('de') };

interface Headlamp {
  request: (path: string, params: { readonly signal?: AbortSignal }) => Promise<unknown>;
  clusters: Readonly<Record<string, ConfiguredCluster>> | null;
  language: keyof typeof TRANSLATE;
  ready: boolean;
  /** What is typed into the search of the table. */
  query: string;
}

const INITIAL: Headlamp = {
  request: () => new Promise(() => {}),
  clusters: {},
  language: 'en',
  ready: true,
  query: '',
};

/** What the next rendering finds. */
export const headlamp: Headlamp = { ...INITIAL };

export function resetHeadlamp(): void {
  Object.assign(headlamp, INITIAL);
}

export const ApiProxy = {
  request: (...asked: Parameters<Headlamp['request']>) => headlamp.request(...asked),
};
export const K8s = { useClustersConf: () => headlamp.clusters };
export const Utils = { timeAgo: (date: string | number) => `(since ${new Date(date).toISOString()})` };

export function useTranslation() {
  const { language, ready } = headlamp;
  return { t: ready ? TRANSLATE[language] : () => '', i18n: { language }, ready };
}

export const registered = { entries: [] as unknown[], routes: [] as unknown[], actions: [] as unknown[] };
export const registerSidebarEntry = (entry: unknown) => registered.entries.push(entry);
export const registerAppBarAction = (action: unknown) => registered.actions.push(action);
export const registerRoute = (route: unknown) => registered.routes.push(route);

export function Loader({ title }: { title: string }) {
  return <div role="progressbar" aria-label={title} />;
}

interface SectionBoxProps {
  title: string;
  headerProps: { titleSideActions: ReactNode[] };
  children: ReactNode;
}

export function SectionBox({ title, headerProps, children }: SectionBoxProps) {
  return (
    <section>
      <h1>{title}</h1>
      {headerProps.titleSideActions}
      {children}
    </section>
  );
}

export function StatusLabel({ status, children }: { status: string; children: ReactNode }) {
  return <span data-status={status}>{children}</span>;
}

type Cell = ComponentType<{ row: { original: ClusterRow } }>;

interface TableProps {
  columns: { id: string; header: string; accessorFn: (row: ClusterRow) => string; Cell: Cell }[];
  data: ClusterRow[];
  getRowId: (row: ClusterRow) => string;
  filterFns: Record<string, (row: { original: ClusterRow }, columnId: string, query: unknown) => boolean>;
  initialState: { globalFilterFn: string };
  emptyMessage: string;
}

export function Table({ columns, data, getRowId, filterFns, initialState, emptyMessage }: TableProps) {
  if (data.length === 0) return <p>{emptyMessage}</p>;
  const matches = filterFns[initialState.globalFilterFn];
  const rows = data.filter((original) => matches?.({ original }, '', headlamp.query));
  return (
    <table>
      <thead>
        <tr>
          {columns.map(({ id, header }) => (
            <th key={id}>{header}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={getRowId(row)}>
            {columns.map(({ id, accessorFn, Cell }) => (
              <td key={id}>
                <MemoCell value={accessorFn(row)} Cell={Cell} row={row} />
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** As Headlamp's: drawn anew only for another value. */
const MemoCell = memo(
  ({ Cell, row }: { value: string; Cell: Cell; row: ClusterRow }) => <Cell row={{ original: row }} />,
  (before, after) => before.value === after.value,
);
MemoCell.displayName = 'MemoCell';
