import { describe, expect, it } from 'vitest';
import { createSelfSignedPair } from '../../test/support/selfSignedPair.ts';
import { knownSecrets } from './knownSecrets.ts';
import { redact } from './redact.ts';

const { key } = createSelfSignedPair();
const base64 = 'q83vASNFZ4mrze8BI0VniavN7wEjRWeJ';

describe('redact', () => {
  it.each([
    ['token=hunter2canary', 'hunter2canary'],
    ['token: hunter2canary expired', 'hunter2canary'],
    ['{"token":"hunter2canary"}', 'hunter2canary'],
    ['{"clientKeyData":"hunter2canary\\nmore canary"}', 'canary'],
    ['{"password": "with \\"quote\\" canary"}', 'canary'],
    ['"{\\"access_token\\": \\"a canary\\"}"', 'canary'],
    ["AWS_SECRET_ACCESS_KEY='a canary'", 'canary'],
    ['client-key-data: canary', 'canary'],
    ['password = canary', 'canary'],
    ['passwd:canary', 'canary'],
    ['api_key=canary&next=1', 'canary'],
    ['"token": "cut off canary', 'canary'],
    ['running plugin --token canary --verbose', 'canary'],
    ['running plugin --client-secret "a canary" --verbose', 'canary'],
    ['Authorization: Bearer canary.canary', 'canary'],
    ['> authorization: Basic Y2FuYXJ5', 'Y2FuYXJ5'],
    ['sent bearer canary-canary', 'canary'],
    ['https://user:canary@example.test/path', 'canary'],
    ['https://canary@example.test', 'canary'],
    ['http://user:p@canary@proxy.example.test:3128', 'canary'],
    ['got eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2ln', 'eyJzdWIi'],
    ['got eyJhbGciOiJSUzI1NiJ9 and no more', 'eyJhbGci'],
    [`key is ${key}`, key.split('\n')[1] ?? ''],
    [`cut ${key.slice(0, 90)}`, key.split('\n')[1]?.slice(0, 30) ?? ''],
    [`${key.slice(40)} cut`, key.split('\n')[2] ?? ''],
    [`value ${base64}==`, base64],
    ['id 0123456789abcdef0123456789abcdef', '0123456789abcdef'],
    ['join with abcdef.0123456789abcdef', '0123456789abcdef'],
    ['AKIAIOSFODNN7EXAMPLE is unknown', 'AKIAIOSFODNN7EXAMPLE'],
  ])('[EX-15] takes the secret out of %j', (text, secret) => {
    expect(secret).not.toBe('');
    const redacted = redact(text);
    expect(redacted).not.toContain(secret);
    expect(redacted).toContain('[redacted]');
  });

  it.each([
    'Error: failed to get secret "spoke-1-credentials-2" in namespace cluster-inventory: not found',
    'dial tcp 10.0.0.1:6443: connect: connection refused',
    'unable to read /var/run/plugin/config.yaml: permission denied',
    'panic: runtime error: invalid memory address or nil pointer dereference',
    'context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
    'projects/my-project-1/locations/europe-west1/memberships/spoke',
  ])('leaves what helps: %j', (text) => {
    expect(redact(text)).toBe(text);
  });

  it('takes out what is known to be secret, whatever it looks like', () => {
    const secrets = knownSecrets(
      { DB_PASSWORD: 'plain words', HOME: '/home/me', API_TOKEN: 'no' },
      ['--client-secret', 'open sesame', '--token=other words', '--namespace', 'apples'],
      Buffer.from(JSON.stringify({ status: { token: 'answered words' } })),
    );
    expect(
      redact('plain words, open sesame, other words, answered words, apples, /home/me, no', secrets),
    ).toBe('[redacted], [redacted], [redacted], [redacted], apples, /home/me, no');
  });

  it('takes out what could steer a terminal', () => {
    expect(redact('\u001b[31mred\u001b[0m\u0007\r\nnext\tline\u009b')).toBe('red\nnext\tline');
  });

  it.each(['a-', 'a.', 'token', 'token=', 'a://', '"', '\\"', '-----BEGIN X-----', 'eyJ', 'Bearer '])(
    'is not slow for any text: %j many times',
    (part) => {
      const startedAt = performance.now();
      redact(part.repeat((16 * 1024) / part.length));
      expect(performance.now() - startedAt).toBeLessThan(2000);
    },
  );
});
