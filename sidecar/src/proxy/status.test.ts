import { describe, expect, it } from 'vitest';
import { CodedError, type ErrorCode } from '../foundation/errors.ts';
import { buildStatus } from './status.ts';

describe('a Status', () => {
  it('PX-40: has code, reason and the sentence, and nothing of the cause', () => {
    const error = new CodedError('connection-refused', undefined, {
      cause: new Error('connect ECONNREFUSED 10.1.2.3:6443'),
      diagnosis: '/etc/secret/token',
    });
    const { httpStatus, body } = buildStatus(error);
    expect(httpStatus).toBe(502);
    expect(JSON.parse(body)).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'The API server refuses connections',
      reason: 'InternalError',
      details: { causes: [{ reason: 'connection-refused', message: 'The API server refuses connections' }] },
      code: 502,
    });
  });

  it.each<[ErrorCode, number, string]>([
    ['cluster-unknown', 404, 'NotFound'],
    ['no-matching-provider', 502, 'ServiceUnavailable'],
    ['profile-being-removed', 502, 'ServiceUnavailable'],
    ['path-refused', 400, 'BadRequest'],
    ['method-refused', 405, 'MethodNotAllowed'],
    ['origin-refused', 403, 'Forbidden'],
    ['response-timeout', 504, 'Timeout'],
    ['redirect-refused', 502, 'InternalError'],
  ])('PX-04, PX-40: of %s is %i %s', (code, status, reason) => {
    const { httpStatus, body } = buildStatus(new CodedError(code));
    expect([httpStatus, JSON.parse(body)]).toMatchObject([status, { code: status, reason }]);
  });
});
