import type { KubeClient } from '../../parts/kubeClient.ts';
import { makeBytes } from '../../parts/kwok.ts';
import { compareAnswers, type Difference } from './differences.ts';
import { exchange, type HeaderLine, type RawAnswer, upgrade, type WireReader } from './rawHttp.ts';
import { changeWatched, core, script, watched } from './requestSteps.ts';
import type { Compared } from './runRequest.ts';
import type { Scene, Way } from './scene.ts';
import { closeOpcode, encodeFrame, type Frame, readFrame } from './webSocket.ts';

export interface SocketStep {
  readonly title: string;
  readonly path: string;
  /** Offered, in this order. */
  readonly protocols: readonly string[];
  /** Sent once the socket is open, in messages of their own; a wait in milliseconds between them. */
  readonly messages?: readonly (Buffer | number)[];
  /** The socket does not end by itself: it is read until these frames satisfy it. */
  readonly isEnough?: (frames: readonly Frame[]) => boolean;
  readonly meanwhile?: (client: KubeClient) => Promise<void>;
  /** What comes in one frame and what in the next is chance: the bytes alone are compared, or those of each channel. */
  readonly joined?: 'whole' | 'by channel';
  /** What has to be in the frames straight, or the step shows nothing. */
  readonly shows: string;
}

/** A message of `…channel.k8s.io`: the channel's number in front. */
function onChannel(channel: number, text: string | Buffer): Buffer {
  return Buffer.concat([Buffer.from([channel]), Buffer.from(text)]);
}

const exec = (query: string): string => `${core}/pods/hello/exec?${query}&stdin=true&stdout=true`;
const hasDeleted = (frames: readonly Frame[]): boolean =>
  frames.some(({ payload }) => payload.includes('DELETED'));

const noise = makeBytes(200_000);

export const socketSteps: readonly SocketStep[] = [
  ...[[], ['binary.k8s.io'], ['base64.binary.k8s.io']].map((protocols): SocketStep => ({
    title: `a watch over a WebSocket by ${protocols[0] ?? 'no protocol'}`,
    path: watched,
    protocols,
    isEnough: hasDeleted,
    meanwhile: changeWatched,
    shows: 'DELETED',
  })),
  {
    title: 'a log over a WebSocket',
    path: '/api/v1/namespaces/shop/pods/cart/log?limitBytes=500',
    protocols: ['binary.k8s.io'],
    joined: 'whole',
    shows: 'request 1 ',
  },
  ...['v5.channel.k8s.io', 'v4.channel.k8s.io'].map((protocol): SocketStep => ({
    // KWOK reports it as an internal error with the exit code in its words; a kubelet in the details.
    title: `a command by ${protocol} that fails`,
    path: exec('command=sh&command=-c&command=echo+out%3B+echo+err+%3E%262%3B+exit+7&stderr=true'),
    protocols: [protocol, 'v3.channel.k8s.io'],
    joined: 'by channel',
    shows: 'exit status 7',
  })),
  {
    title: 'a command by base64.channel.k8s.io',
    path: exec('command=echo&command=hello'),
    protocols: ['base64.channel.k8s.io'],
    joined: 'by channel',
    shows: Buffer.from('hello\n').toString('base64'),
  },
  {
    title: 'every byte to a command and back',
    path: exec('command=head&command=-c&command=200000'),
    protocols: ['v5.channel.k8s.io'],
    messages: [onChannel(0, noise.subarray(0, 70_000)), onChannel(0, noise.subarray(70_000))],
    joined: 'by channel',
    shows: noise.subarray(0, 1_000).toString('latin1'),
  },
  {
    title: 'a terminal that changes its size',
    path: exec('command=sh&tty=true'),
    protocols: ['v5.channel.k8s.io'],
    messages: [
      onChannel(4, '{"Width":101,"Height":33}'),
      1_000,
      onChannel(0, 'stty -echo; PS1=; stty size; echo done\n'),
      500,
      onChannel(4, '{"Width":77,"Height":21}'),
      1_000,
      onChannel(0, 'stty size; sleep 1; exit 5\n'),
    ],
    joined: 'by channel',
    shows: '21 77',
  },
];

interface Conversation {
  readonly headers: readonly HeaderLine[];
  readonly frames: readonly Frame[];
}

export async function runSocketStep(
  { spoke: { client }, straight, through }: Scene,
  step: SocketStep,
): Promise<{ readonly shown: string; readonly differences: readonly Difference[] }> {
  const opened = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()] as const;
  const [left, right] = await Promise.all([
    converse(straight, step, opened[0].resolve),
    converse(through, step, opened[1].resolve),
    Promise.all([opened[0].promise, opened[1].promise]).then(() => step.meanwhile?.(client)),
  ]);
  const names = new Set([...left.headers, ...right.headers].map(([name]) => name));
  const headerOf = ({ headers }: Conversation, name: string): string | undefined =>
    headers.find(([each]) => each === name)?.[1];
  const compared: [what: string, straight: string | undefined, through: string | undefined][] = [
    ...[...names].map((name): [string, string | undefined, string | undefined] => [
      `header ${name}`,
      headerOf(left, name),
      headerOf(right, name),
    ]),
    ['frames', describeFrames(left, step), describeFrames(right, step)],
  ];
  return {
    shown: describeFrames(left, step),
    differences: compared.flatMap(([what, first, second]) =>
      first === second ? [] : [{ step: step.title, what, straight: first, through: second }],
    ),
  };
}

async function converse(
  way: Way,
  step: SocketStep,
  onOpen: (value: undefined) => void,
): Promise<Conversation> {
  const { status, headers, reader } = await upgrade(way.server, {
    method: 'GET',
    target: way.prefix + step.path,
    headers: [...way.identify('ana'), ...webSocketHeaders(way, step.protocols)],
  });
  if (status !== 101) throw new Error(`${way.name}: ${status} ${(await reader.readSome()).toString()}`);
  onOpen(undefined);
  const sending = sendMessages(reader, step.messages ?? []);
  const frames: Frame[] = [];
  for (;;) {
    const frame = await readFrame(reader);
    if (frame === undefined) break;
    frames.push(frame);
    if (frame.opcode === closeOpcode || step.isEnough?.(frames)) break;
  }
  await sending;
  reader.socket.destroy();
  return { headers, frames };
}

async function sendMessages(reader: WireReader, messages: readonly (Buffer | number)[]): Promise<void> {
  for (const message of messages) {
    if (typeof message === 'number') await new Promise((resolve) => setTimeout(resolve, message));
    else reader.socket.write(encodeFrame(message));
  }
}

function webSocketHeaders({ server: { port } }: Way, protocols: readonly string[]): readonly HeaderLine[] {
  return [
    ['Connection', 'Upgrade'],
    ['Upgrade', 'websocket'],
    ['Sec-WebSocket-Version', '13'],
    ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
    ['Origin', `https://127.0.0.1:${port}`],
    ...(protocols.length === 0 ? [] : [['Sec-WebSocket-Protocol', protocols.join(', ')] as const]),
  ];
}

function describeFrames({ frames }: Conversation, { joined }: SocketStep): string {
  if (joined === undefined)
    return frames.map(({ opcode, payload }) => `${opcode}: ${payload.toString('latin1')}`).join('\n');
  if (joined === 'whole')
    return frames
      .filter(({ opcode }) => opcode !== closeOpcode)
      .map(({ payload }) => payload.toString('latin1'))
      .join('');
  const channels = new Map<string, string>();
  for (const { opcode, payload } of frames) {
    const key = opcode === closeOpcode ? 'close' : `${opcode}, channel ${payload[0] ?? 'none'}`;
    channels.set(key, (channels.get(key) ?? '') + payload.subarray(1).toString('latin1'));
  }
  return [...channels]
    .sort(([left], [right]) => left.localeCompare(right))
    .map(([key, text]) => `${key}: ${text}`)
    .join('\n');
}

interface RefusedUpgrade {
  readonly title: string;
  readonly path: string;
  readonly protocols: readonly string[];
  readonly status: number;
}

/** An upgrade that is refused is answered as a request is. */
export const refusedUpgrades: readonly RefusedUpgrade[] = [
  {
    title: 'a command in a Pod that is not there',
    path: `${core}/pods/none/exec?command=sh&stdout=true`,
    protocols: ['v5.channel.k8s.io'],
    status: 404,
  },
  {
    title: 'a WebSocket to what has none',
    path: `${script}/configmaps/none`,
    protocols: ['binary.k8s.io'],
    status: 404,
  },
  {
    title: 'a watch over a WebSocket by one of two protocols',
    path: watched,
    protocols: ['base64.binary.k8s.io', 'binary.k8s.io'],
    status: 400,
  },
];

export async function runRefusedUpgrade(
  { straight, through }: Scene,
  { title, path, protocols }: RefusedUpgrade,
): Promise<Compared> {
  const ask = (way: Way): Promise<RawAnswer> =>
    exchange(way.server, {
      method: 'GET',
      target: way.prefix + path,
      headers: [...way.identify('ana'), ...webSocketHeaders(way, protocols)],
    });
  const [left, right] = await Promise.all([ask(straight), ask(through)]);
  return { straight: left, differences: compareAnswers(title, left, right, undefined) };
}
