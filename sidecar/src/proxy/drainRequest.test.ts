import { describe, expect, it } from 'vitest';
import { codedErrorOf } from '../../test/support/codedErrorOf.ts';
import { isNodeName, readDrainRequest } from './drainRequest.ts';

const prefix = 'cluster-inventory-';
const ours = { cluster: 'cluster-inventory-a', nodeName: 'node-1' };
const read = (text: string | Buffer) => readDrainRequest(Buffer.from(text), prefix);

describe('a body of POST /drain-node', () => {
  it.each([JSON.stringify(ours), ' {\n  "nodeName": "node-1", "cluster": "cluster-inventory-a"\n}\n'])(
    '[PX-45] of a cluster of ours: %j',
    (text) => {
      expect(read(text)).toEqual(ours);
    },
  );

  it('[PX-02] in other letters is ours, too', () => {
    expect(read('{"cluster":"Cluster-INVENTORY-a","nodeName":"n"}')).toEqual({
      cluster: 'Cluster-INVENTORY-a',
      nodeName: 'n',
    });
  });

  it.each([
    '',
    'nonsense',
    '{"cluster":"main","nodeName":"node-1"}',
    '{"Cluster":"m\\u0061in","nodeName":1,"more":[]}',
    '{"cluster":"main","nodeName":"cluster-inventory-control-plane"}',
    '{"cluster":"my-cluster-inventory-a","nodeName":"node-1"}',
  ])('[PX-43] of the dashboard’s: %j', (text) => {
    expect(read(text)).toBeUndefined();
  });

  it.each([
    '{"cluster":"cluster-inventory-a","nodeName":"n"} {}',
    '{"cluster":"cluster-inventory-a","nodeName":"n"',
    '{"cluster":"main","cluster":"cluster-inventory-a","nodeName":"n"}',
    '{"cluster":"cluster-inventory-a","cluster":"main","nodeName":"n"}',
    '{"cluster":"main","Cluster":"cluster-inventory-a","nodeName":"n"}',
    '{"cluſter":"cluster-inventory-a","nodeName":"n"}',
    '{"cluster":"\\u0063luster-inventory-a","nodeName":"n"}',
    '{"cluster":"\\u0043LUSTER\\u002Dinventory-a","nodeName":"n"}',
    '{"\\u0063luster":"cluster-inventory-a","nodeName":"n"}',
    '{"cluster":"cluster\\-inventory-a","nodeName":"n"}',
    '{"cluster":"main","nodeName":"n","clusters":["cluster-inventory-a"]}',
    '["cluster-inventory-a"]',
    '"cluster-inventory-a"',
    '{"cluster":"cluster-inventory-a"}',
    '{"cluster":"cluster-inventory-a","nodeName":7}',
    '{"cluster":"cluster-inventory-a","nodeName":"../pods"}',
  ])('[PX-02] that names one of ours otherwise than plainly is refused: %s', async (text) => {
    expect((await codedErrorOf(() => read(text))).code).toBe('body-invalid');
  });
});

it.each([
  ['node-1', true],
  ['ip-10-0-0-1.eu-west-1.compute.internal', true],
  ['', false],
  ['a/b', false],
  ['..', false],
  ['a..b', false],
  ['Node', false],
  ['a%2fb', false],
  ['a'.repeat(254), false],
])('%j names a node: %s', (name, expected) => {
  expect(isNodeName(name)).toBe(expected);
});
