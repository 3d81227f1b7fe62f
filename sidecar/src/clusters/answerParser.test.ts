import { describe, expect, it } from 'vitest';
import { CodedError } from '../foundation/errors.ts';
import { AnswerParser, type AnswerParserOptions } from './answerParser.ts';

const kinds = {
  'of known length': 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA:  b \r\na: c\r\n\r\nhello',
  'of no length': 'HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n',
  'without a reason': 'HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx',
  'in chunks':
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;ext="1"\r\nhello\r\n00a\r\n0123456789\r\n0\r\nT: 1\r\nt: 2\r\n\r\n',
  'after early hints':
    'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  'of a status that has no body': 'HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\nETag: "x"\r\n\r\n',
} as const;

/** All that is told, pieces of a body as one. */
function read(pieces: readonly string[], more: Partial<AnswerParserOptions> = {}) {
  const told: unknown[] = [];
  let body = '';
  const parser = new AnswerParser(
    {
      onHead: ({ status, reason, headers }) => told.push(['head', status, reason, headers]),
      onUpgrade: ({ status, headers }) => told.push(['upgrade', status, headers]),
      onData: (chunk) => (body += chunk.toString('latin1')),
      onEnd: (trailers) => told.push(['end', body, trailers]),
    },
    { method: 'GET', maxHeadBytes: 1024, ...more },
  );
  // All of them in the same memory, as they come.
  const shared = Buffer.alloc(4096);
  for (const piece of pieces) {
    parser.feed(shared.subarray(0, shared.write(piece, 'latin1')));
    shared.fill('!');
  }
  return { told, parser, unread: parser.unread?.toString('latin1') };
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof CodedError) return thrown.code;
    throw thrown;
  }
  return 'nothing thrown';
}

describe('[PX-20, PX-24] an answer', () => {
  for (const [kind, text] of Object.entries(kinds)) {
    it(`${kind} is the same however it is cut apart, and leaves what is behind it alone`, () => {
      const whole = read([`${text}HTTP/1.1 200`]);
      expect(whole.told.at(-1)).toMatchObject(['end', expect.any(String), expect.any(Array)]);
      expect(whole.told.map((each) => (each as unknown[])[0])).toEqual(['head', 'end']);
      expect(whole.unread).toBe('HTTP/1.1 200');
      expect(whole.parser.keepsAlive).toBe(true);
      expect(read(text.split('')).told).toEqual(whole.told);
      for (let cut = 1; cut < text.length; cut++) {
        const parts = read([text.slice(0, cut), text.slice(cut)]);
        expect(parts.told).toEqual(whole.told);
        expect(parts.unread).toBeUndefined();
      }
    });
  }

  it('keeps the spelling of its headers, repeated ones too, without the blanks around values', () => {
    expect(read([kinds['of known length']]).told[0]).toEqual([
      'head',
      200,
      'OK',
      ['Content-Length', '5', 'A', 'b', 'a', 'c'],
    ]);
  });

  it('has its trailers', () => {
    expect(read([kinds['in chunks']]).told.at(-1)).toEqual(['end', 'hello0123456789', ['T', '1', 't', '2']]);
  });

  it('of a HEAD has no body, whatever it says', () => {
    for (const framing of ['Content-Length: 5', 'Transfer-Encoding: chunked', 'A: b'])
      expect(read([`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n`], { method: 'HEAD' }).told.at(-1)).toEqual([
        'end',
        '',
        [],
      ]);
  });

  it('that neither length nor chunks bound ends with the connection, which serves nobody else', () => {
    const { told, parser } = read(['HTTP/1.0 200 OK\r\n\r\nab', 'c']);
    expect(told).toHaveLength(1);
    parser.finish();
    expect(told.at(-1)).toEqual(['end', 'abc', []]);
    expect(parser.keepsAlive).toBe(false);
  });

  it('that breaks off is none', () => {
    for (const text of Object.values(kinds))
      for (let cut = 0; cut < text.length; cut++)
        expect(
          codeOf(() => {
            read([text.slice(0, cut)]).parser.finish();
          }),
        ).toBe('connection-reset');
  });

  it('is told no further than it was paused, be it at its head', () => {
    for (const text of Object.values(kinds)) {
      const told: string[] = [];
      const parser: AnswerParser = new AnswerParser(
        {
          onHead: () => {
            told.push('head');
            parser.pause();
          },
          onUpgrade: () => told.push('upgrade'),
          onData: () => told.push('data'),
          onEnd: () => told.push('end'),
        },
        { method: 'GET', maxHeadBytes: 1024 },
      );
      const chunk = Buffer.from(text);
      parser.feed(chunk);
      chunk.fill('!');
      expect(told).toEqual(['head']);
      parser.resume();
      expect(told.at(-1)).toBe('end');
    }
  });

  it('may say how long its connection is kept, or that it is not', () => {
    const head = (line: string) => read([`HTTP/1.1 200 OK\r\n${line}\r\nContent-Length: 0\r\n\r\n`]).parser;
    expect(head('Keep-Alive: timeout=5, max=100').keepAliveSeconds).toBe(5);
    expect(head('Keep-Alive: max=100').keepAliveSeconds).toBeUndefined();
    expect(head('Connection: Foo, CLOSE').keepsAlive).toBe(false);
    expect(read(['HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n']).parser.keepsAlive).toBe(false);
  });
});

describe('[PX-24, PX-30] what is no answer yet', () => {
  const switching = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n';

  it('is a 101 where an upgrade was asked for: what follows is another protocol', () => {
    const { told, unread } = read([`${switching}\0\r\n\r\n`], { isUpgrade: true });
    expect(told).toEqual([['upgrade', 101, ['Upgrade', 'websocket']]]);
    expect(unread).toBe('\0\r\n\r\n');
  });

  it('is no 101 that nobody asked for, and no 100', () => {
    expect(codeOf(() => read([switching]))).toBe('response-invalid');
    expect(codeOf(() => read(['HTTP/1.1 100 Continue\r\n\r\n'], { isUpgrade: true }))).toBe(
      'response-invalid',
    );
  });

  it('is bounded together with the answer', () => {
    const hints = 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(100);
    expect(codeOf(() => read([hints]))).toBe('response-invalid');
  });

  it('is HTTP/2 where a server speaks it unasked', () => {
    expect(codeOf(() => read(['\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80']))).toBe('http2-only');
    expect(codeOf(() => read(['\x15\x03\x01\0\x02\x02\x46']))).toBe('response-invalid');
  });
});
