import { clusterNamePrefix } from '../clusters/clusterName.ts';
import { asArray, asRecord, isRecord } from '../foundation/unknownValue.ts';
import { type ClusterPieces, type Piece, writePiece } from './configPieces.ts';
import type { SeenClusters } from './viewer.ts';

/**
 * The text of the dashboard's `/config` with the discovered clusters behind its own. A cluster of the dashboard's own
 * with the same name stays (S10).
 */
export function mergeConfig(
  config: unknown,
  { entries, isAll }: Pick<SeenClusters, 'entries' | 'isAll'>,
  hubContextName: string | undefined,
  clusterPieces: ClusterPieces,
): readonly Piece[] {
  if (!isRecord(config)) return [writePiece(JSON.stringify(config))];
  const own = asArray(config['clusters']);
  // One sign-in on the hub serves all: so each asks for it in the hub's way (ID-05).
  const hub = own.map(asRecord).find(({ name }) => name === hubContextName);
  const authType = typeof hub?.['auth_type'] === 'string' ? hub['auth_type'] : '';
  const taken = new Set(own.map((cluster) => asRecord(cluster)['name']).filter(isNameOfOurs));
  const discovered = clusterPieces.write(
    taken.size === 0 ? entries : entries.filter(({ name }) => !taken.has(name)),
    authType,
    isAll,
  );
  const { clusters: _merged, ...others } = config;
  const [first, ...more] = discovered;
  const fields = Object.entries(others).map(
    ([name, value]) => `,${JSON.stringify(name)}:${JSON.stringify(value)}`,
  );
  return [
    writePiece(`{"clusters":[${own.map((each) => JSON.stringify(each)).join(',')}`),
    ...(first === undefined ? [] : [own.length === 0 ? dropComma(first) : first]),
    ...more,
    writePiece(`]${fields.join('')}}`),
  ];
}

function isNameOfOurs(name: unknown): boolean {
  return typeof name === 'string' && name.startsWith(clusterNamePrefix);
}

function dropComma({ bytes, digest }: Piece): Piece {
  return { bytes: bytes.subarray(1), digest };
}
