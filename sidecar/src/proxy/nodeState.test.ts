import { describe, expect, it } from 'vitest';
import { describeDrain, findLeavingPods, type NodeState } from './nodeState.ts';

const pod = (name: string, metadata: object = {}, status: object = { phase: 'Running' }): object => ({
  metadata: { name, namespace: 'shop', uid: `uid-of-${name}`, ...metadata },
  status,
});
const ownedBy = (kind: string): object => ({ ownerReferences: [{ kind, name: 'x', controller: true }] });

describe('[PX-45] of what runs on a node, a drain waits', () => {
  it.each<[string, object]>([
    ['what nobody owns', pod('x')],
    ['what a ReplicaSet owns', pod('x', ownedBy('ReplicaSet'))],
    ['what has yet to start', pod('x', {}, { phase: 'Pending' })],
    ['what comes without its status', pod('x', {}, {})],
  ])('for %s', (_title, item) => {
    expect(findLeavingPods({ items: [item] })).toEqual([
      { namespace: 'shop', name: 'x', uid: 'uid-of-x', isEnding: false },
    ]);
  });

  it('for what is ending already', () => {
    const item = pod('x', { deletionTimestamp: '2026-01-01T00:00:00Z' });
    expect(findLeavingPods({ items: [item] })).toMatchObject([{ name: 'x', isEnding: true }]);
  });

  it.each<[string, unknown]>([
    ['a DaemonSet’s', pod('x', ownedBy('DaemonSet'))],
    ['a file of the node', pod('x', { annotations: { 'kubernetes.io/config.mirror': 'hash' } })],
    ['one that has finished', pod('x', {}, { phase: 'Succeeded' })],
    ['one that has failed', pod('x', {}, { phase: 'Failed' })],
    ['nonsense', 7],
    ['a Pod without a name', { metadata: { namespace: 'shop' } }],
  ])('not for %s', (_title, item) => {
    expect(findLeavingPods({ items: [item] })).toEqual([]);
  });

  it.each([undefined, {}, { items: 'x' }, []])('for nothing in %j', (list) => {
    expect(findLeavingPods(list)).toEqual([]);
  });
});

describe('[PX-45] the state of a drain', () => {
  const pods = findLeavingPods({ items: ['a', 'b', 'c', 'd'].map((name) => pod(name)) });
  it.each<[string, NodeState, string]>([
    [
      'of a node that is schedulable',
      { isCordoned: false, drainUntil: 2000, pods: [] },
      'error: the node is not cordoned, so that no drain is under way',
    ],
    ['of an empty one', { isCordoned: true, drainUntil: undefined, pods: [] }, 'success'],
    ['under way', { isCordoned: true, drainUntil: 2000, pods }, 'draining: 4 Pods left'],
    ['near its end', { isCordoned: true, drainUntil: 2000, pods: pods.slice(3) }, 'draining: 1 Pod left'],
    [
      'out of time',
      { isCordoned: true, drainUntil: 1000, pods },
      'error: the drain has ended with 4 Pods left on the node: shop/a, shop/b, shop/c, …',
    ],
    [
      'that nobody goes on with',
      { isCordoned: true, drainUntil: undefined, pods: pods.slice(3) },
      'error: the drain has ended with 1 Pod left on the node: shop/d',
    ],
  ])('%s', (_title, state, expected) => {
    expect(describeDrain(state, 1000)).toBe(expected);
  });
});
