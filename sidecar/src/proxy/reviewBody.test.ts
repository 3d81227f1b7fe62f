import { describe, expect, it } from 'vitest';
import { envelope, field } from '../../test/support/protobuf.ts';
import { CodedError } from '../foundation/errors.ts';
import { accessReviewFields, decodeReview, rulesReviewFields } from './reviewBody.ts';

const protobuf = 'application/vnd.kubernetes.protobuf';

function codeOf(body: Buffer | string, contentType: string | undefined): unknown {
  try {
    return decodeReview(Buffer.from(body as string, 'latin1'), contentType, accessReviewFields);
  } catch (thrown) {
    return thrown instanceof CodedError ? thrown.code : thrown;
  }
}

describe('as kubectl 1.36 sends it', () => {
  it.each([
    [
      'auth can-i delete pods --subresource=log -n team',
      'azhzAAoyChdhdXRob3JpemF0aW9uLms4cy5pby92MRIXU2VsZlN1YmplY3RBY2Nlc3NSZXZpZXcSPwoQCgASABoAIgAqADIAOABCABIhCh8KBHRlYW0SBmRlbGV0ZRoAIgAqBHBvZHMyA2xvZzoAGggIABIAGgAgABoAIgA=',
      {
        resourceAttributes: {
          namespace: 'team',
          verb: 'delete',
          group: '',
          version: '',
          resource: 'pods',
          subresource: 'log',
          name: '',
        },
      },
    ],
    [
      'auth can-i get /healthz',
      'azhzAAoyChdhdXRob3JpemF0aW9uLms4cy5pby92MRIXU2VsZlN1YmplY3RBY2Nlc3NSZXZpZXcSLwoQCgASABoAIgAqADIAOABCABIREg8KCC9oZWFsdGh6EgNnZXQaCAgAEgAaACAAGgAiAA==',
      { nonResourceAttributes: { path: '/healthz', verb: 'get' } },
    ],
  ])('ID-17: %s', (_command, base64, spec) => {
    expect(decodeReview(Buffer.from(base64, 'base64'), protobuf, accessReviewFields)).toEqual({
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec,
    });
  });

  it('auth can-i --list -n team', () => {
    const body =
      'azhzAAoxChdhdXRob3JpemF0aW9uLms4cy5pby92MRIWU2VsZlN1YmplY3RSdWxlc1JldmlldxIgChAKABIAGgAiACoAMgA4AEIAEgYKBHRlYW0aBBgAIgAaACIA';
    expect(decodeReview(Buffer.from(body, 'base64'), protobuf, rulesReviewFields)).toEqual({
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectRulesReview',
      spec: { namespace: 'team' },
    });
  });
});

const spec = { resourceAttributes: { verb: 'delete', resource: 'pods' } };
it.each([
  [undefined, JSON.stringify({ spec })],
  ['', JSON.stringify({ spec })],
  ['application/json', JSON.stringify({ spec })],
  ['APPLICATION/json; charset=utf-8', JSON.stringify({ spec })],
  ['application/yaml', 'spec:\n  resourceAttributes:\n    verb: delete\n    resource: pods\n'],
  ['application/yaml', JSON.stringify({ spec })],
  [protobuf, envelope('x', field(2, field(1, field(2, 'delete'), field(5, 'pods'))))],
  [`${protobuf};type=x`, envelope('x', field(2, field(1, field(2, 'delete'), field(5, 'pods'))))],
  // Parts of one message are one; of a text the last one counts.
  [
    protobuf,
    envelope(
      'x',
      field(2, field(1, field(2, 'get'), field(5, 'pods'))) + field(2, field(1, field(2, 'delete'))),
    ),
  ],
  // What a later version adds is passed over: a number, 8 bytes, 4 bytes, text.
  [
    protobuf,
    envelope(
      'x',
      field(
        2,
        '\x50\x80\x01',
        '\x59--------',
        '\x65----',
        field(15, 'x'),
        field(1, field(2, 'delete'), field(5, 'pods')),
      ),
    ),
  ],
])('ID-17: as %s, %j is understood', (contentType, body) => {
  expect(codeOf(body, contentType)).toMatchObject({ spec });
});

it.each([
  ['application/json', ''],
  ['application/json', '{'],
  ['application/json', 'null'],
  ['application/json', '[]'],
  ['application/json', 'spec: {}'],
  ['application/yaml', ''],
  ['application/yaml', 'x'],
  ['application/yaml', 'a: 1\n---\nb: 1\n'],
  ['application/yaml', '['.repeat(30_000)],
  ['application/yaml', `a: &a [${'x,'.repeat(50)}]\nb: &b [${'*a,'.repeat(50)}]\nc: [${'*b,'.repeat(50)}]\n`],
  [protobuf, ''],
  [protobuf, '{"spec":{}}'],
  [protobuf, 'k8s\0\x0a'],
  [protobuf, 'k8s\0\x0a\x05a'],
  [protobuf, 'k8s\0\x0b'],
  [protobuf, `k8s\0${'\xff'.repeat(20)}`],
  [protobuf, 'k8s\0\x09---'],
  [protobuf, `k8s\0${field(2, field(2))}${field(3, 'gzip')}`],
  [protobuf, `k8s\0${field(2, '\x12\x7f')}`],
])('ID-17: as %s, %j is no review', (contentType, body) => {
  expect(codeOf(body, contentType)).toBe('body-invalid');
});

it.each(['application/cbor', 'text/plain', 'application/json-patch+json', 'x'])(
  'ID-17: %s is a type that nobody reads',
  (contentType) => {
    expect(codeOf('{}', contentType)).toBe('media-type-refused');
  },
);
