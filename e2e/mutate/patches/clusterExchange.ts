import type { Patch } from '../patch.ts';

const parser = 'sidecar/src/clusters/answerParser.ts';
const head = 'sidecar/src/clusters/answerHead.ts';
const exchange = 'sidecar/src/clusters/upstreamExchange.ts';
const hostile = 'sidecar/test/proxy/hostileUpstream.test.ts';
const kept = 'sidecar/test/proxy/keptConnection.test.ts';

/** What is sent to clusters, and how their answers are read. */
export const clusterExchangePatches: readonly Patch[] = [
  {
    id: 'answer-two-framings',
    rules: ['TH-45'],
    file: head,
    breaks: 'An answer may have a length and chunks.',
    find: 'if (length !== undefined && isChunked) throw invalidAnswer();',
    replace: '',
    tests: [hostile],
  },
  {
    id: 'answer-two-lengths',
    rules: ['TH-45'],
    file: head,
    breaks: 'Of two lengths the last counts.',
    find: 'length !== undefined || !/^',
    replace: '!/^',
    tests: [hostile],
  },
  {
    id: 'answer-bare-line-feed',
    rules: ['TH-45'],
    file: parser,
    breaks: 'A line of chunks may end in LF alone.',
    find: 'if (bytes[bytes.length - 2] !== CR) throw invalidAnswer();',
    replace: '',
    tests: [hostile],
  },
  {
    id: 'answer-endless-head',
    rules: ['TH-45', 'PX-42'],
    file: parser,
    breaks: 'A head may be of any size.',
    find: 'this.#headBytes + length > this.#options.maxHeadBytes',
    replace: 'false as boolean',
    tests: [hostile],
  },
  {
    id: 'answer-unasked',
    rules: ['TH-45', 'PX-41'],
    file: exchange,
    breaks: 'What is behind an answer is left for the next request.',
    find: 'this.#parser.keepsAlive && this.#parser.unread === undefined',
    replace: 'this.#parser.keepsAlive',
    tests: [hostile, 'sidecar/test/proxy/keptConnection.test.ts'],
  },
  {
    id: 'answer-between-requests',
    rules: ['TH-45'],
    file: 'sidecar/src/clusters/upstreamSocket.ts',
    breaks: 'A cluster may talk while nobody asks.',
    find: 'else this.#socket.destroy();\n  };',
    replace: '};',
    tests: [hostile],
  },
  {
    id: 'sent-twice',
    rules: ['PX-26'],
    file: exchange,
    breaks: 'A write goes again where its connection was closed.',
    find: "body === null && (method === 'GET' || method === 'HEAD') && !this.#message.isUpgrade",
    replace: 'true as boolean',
    tests: [kept],
  },
  {
    id: 'stale-is-an-error',
    rules: ['PX-26'],
    file: exchange,
    breaks: 'A read fails where a kept connection was closed in this moment.',
    find: 'onStale && !this.#hasBytes',
    replace: 'onStale && this.#hasBytes',
    tests: [kept],
  },
  {
    id: 'upload-deadline',
    rules: ['PX-27'],
    file: 'sidecar/src/clusters/headDeadline.ts',
    breaks: 'An upload has to be as fast as an answer.',
    find: 'if (isClientAwaited()) this.start();',
    replace: 'if (false as boolean) this.start();',
    tests: [kept],
  },
  {
    id: 'early-answer-keeps-connection',
    rules: ['PX-23'],
    file: exchange,
    breaks: 'A connection in the middle of a body is given to the next request.',
    find: 'if (isSent && isClean',
    replace: 'if (isClean',
    tests: [kept],
  },
];
