import { hash } from 'node:crypto';
import type { ClusterEntry } from '../clusters/clusterEntry.ts';

/** A part of the text of `/config`, which many answers share. */
export interface Piece {
  readonly bytes: Buffer;
  /** Of the bytes. */
  readonly digest: string;
}

interface ClusterPiece extends Piece {
  /** What was written: texts alone, which keep nothing alive of clusters that went. */
  readonly marks: readonly Mark[];
}

type Mark = readonly [name: string, uid: string, resourceVersion: string];

export interface ClusterPieces {
  /**
   * The clusters as the dashboard's `/config` has them, each behind a comma.
   * @param entries sorted by name
   * @param isAll what is written for those who see all is kept for whoever sees the same
   */
  write(entries: readonly ClusterEntry[], authType: string, isAll: boolean): readonly Piece[];
}

export function writePiece(text: string): Piece {
  const bytes = Buffer.from(text);
  return { bytes, digest: hash('sha256', bytes, 'base64url') };
}

/** One of thousands changes at a time: only the piece that it is in is written anew (PX-44). */
export function createClusterPieces(): ClusterPieces {
  /** By the name of the first cluster in it. */
  let kept = new Map<string, ClusterPiece>();
  let keptAuthType = '';

  return {
    write(entries, authType, isAll) {
      const known = authType === keptAuthType ? kept : new Map<string, ClusterPiece>();
      const pieces = cutApart(entries).map((together) => {
        const present = known.get(together[0]?.name ?? '');
        return present && isAsWritten(present, together) ? present : writeClusters(together, authType);
      });
      if (isAll) {
        kept = new Map(pieces.map((piece) => [piece.marks[0]?.[0] ?? '', piece]));
        keptAuthType = authType;
      }
      return pieces;
    },
  };
}

/**
 * Each name ends in the digits of a hash (DI-30): one in 16 ends a piece. So where a piece ends depends on nothing but
 * its own clusters, and one that comes or goes moves no others.
 */
function cutApart(entries: readonly ClusterEntry[]): ClusterEntry[][] {
  const cut: ClusterEntry[][] = [];
  let begin = 0;
  for (const [index, { name }] of entries.entries()) {
    if (!name.endsWith('0') && index < entries.length - 1) continue;
    cut.push(entries.slice(begin, index + 1));
    begin = index + 1;
  }
  return cut;
}

function isAsWritten({ marks }: ClusterPiece, entries: readonly ClusterEntry[]): boolean {
  return (
    entries.length === marks.length &&
    entries.every(({ name, profile }, index) => {
      const mark = marks[index];
      return mark?.[0] === name && mark[1] === profile.uid && mark[2] === profile.resourceVersion;
    })
  );
}

function writeClusters(entries: readonly ClusterEntry[], authType: string): ClusterPiece {
  const text = entries.map((entry) => `,${JSON.stringify(describeForDashboard(entry, authType))}`).join('');
  return {
    ...writePiece(text),
    marks: entries.map(({ name, profile }) => [name, profile.uid, profile.resourceVersion]),
  };
}

/** In the shape of Headlamp core's, without the server's address: who may see a cluster need not know where it is. */
function describeForDashboard({ name, key, profile }: ClusterEntry, authType: string): unknown {
  const { conditions, version, properties } = profile;
  return {
    name,
    auth_type: authType,
    meta_data: {
      source: 'cluster_inventory',
      namespace: '',
      extensions: null,
      origin: { kubeconfig: '' },
      originalName: name,
      clusterInventory: {
        profile: { namespace: profile.namespace, name: profile.name, key },
        ...(conditions.length > 0 ? { conditions } : {}),
        ...(version === undefined ? {} : { version: { kubernetes: version } }),
        ...(properties.length > 0 ? { properties } : {}),
      },
    },
  };
}
