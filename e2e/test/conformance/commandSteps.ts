import { stringify } from 'yaml';
import type { KubeClient } from '../../parts/kubeClient.ts';
import { makeBytes } from '../../parts/kwok.ts';
import type { Difference } from './differences.ts';
import { type Outcome, runKubectl } from './kubectl.ts';
import { configMap, script } from './requestSteps.ts';
import type { Scene, Way } from './scene.ts';

export interface CommandStep {
  readonly title: string;
  readonly args: readonly string[];
  /** Null where `isEnough` ends it. */
  readonly code: number | null;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Buffer;
  /** The paths of `--raw` are the server's own: kubectl leaves out that of its server. */
  readonly isRaw?: true;
  /** What stdout or stderr straight has to show, or the step shows nothing. */
  readonly shows?: RegExp;
  /** Ends kubectl, for what does not end by itself. */
  readonly isEnough?: (output: string) => boolean;
  /** Brings back the state that it starts from; both ways one after the other. */
  readonly prepare?: (client: KubeClient) => Promise<unknown>;
  /** With `prepare`: done once kubectl has written something. */
  readonly meanwhile?: (client: KubeClient) => Promise<unknown>;
  /** Takes out what differs between two runs. */
  readonly settle?: (text: string) => string;
}

const spdy = { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false' } as const;
const bothProtocols = [
  ['WebSocket', {}],
  ['SPDY', spdy],
] as const;

/** Both run at once, but not at the same instant. */
const settleAges = (text: string): string => text.replaceAll(/\b(\d+m)?\d+s\b *|\b\d+m\b */g, 'AGE ');

const settleServer = (text: string): string =>
  text.replaceAll(/https:\/\/127\.0\.0\.1:\d+(\/clusters\/[^\s/"?]+)?/g, 'SERVER');

const settleIds = (text: string): string =>
  text.replaceAll(/((?:"|)(?:resourceVersion|uid|creationTimestamp|time)(?:"|): )("[^"]*"|\S+)/g, '$1…');

/** Two that follow a log begin with different lines of it: what is the same is that none is missing. */
function settleFollowed(text: string): string {
  let previous: number | undefined;
  return text
    .replaceAll(/cart: request (\d+) served in \d+ ms/g, (_line, digits: string) => {
      const number = Number(digits);
      const step = previous === undefined ? 'first' : `+${number - previous}`;
      previous = number;
      return step;
    })
    .split('\n')
    .slice(0, 3)
    .join('\n');
}
const hasThreeLines = (output: string): boolean => output.split('\n').length > 3;

const manifest = (value: string): string =>
  stringify({
    ...configMap('applied', { value }),
    metadata: { name: 'applied', namespace: 'script' },
  });

const withoutApplied = (client: KubeClient): Promise<unknown> =>
  client.raw('DELETE', `${script}/configmaps/applied`);
const withApplied = async (client: KubeClient): Promise<void> => {
  await withoutApplied(client);
  await client.create(`${script}/configmaps?fieldManager=first`, configMap('applied', { value: 'one' }));
};
const withFinalizer = async (client: KubeClient): Promise<void> => {
  await client.raw('PATCH', `${script}/configmaps/held`, removeFinalizers);
  await client.raw('DELETE', `${script}/configmaps/held`);
  await client.create(`${script}/configmaps`, {
    ...configMap('held', {}),
    metadata: { name: 'held', finalizers: ['example.org/held'] },
  });
};
const removeFinalizers = {
  body: { metadata: { finalizers: null } },
  headers: { 'content-type': 'application/merge-patch+json' },
};
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const deployments = '/apis/apps/v1/namespaces/script/deployments';
const withRollout = async (client: KubeClient): Promise<void> => {
  await client.raw('DELETE', `${deployments}/rolled`);
  await client.create(deployments, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'rolled' },
    spec: {
      selector: { matchLabels: { app: 'rolled' } },
      template: {
        metadata: { labels: { app: 'rolled' } },
        spec: { containers: [{ name: 'rolled', image: 'rolled:1' }] },
      },
    },
  });
};

const raw = (title: string, path: string, code = 0): CommandStep => ({
  title: `get --raw of ${title}`,
  args: ['get', '--raw', path],
  isRaw: true,
  code,
});

const pod = '/api/v1/namespaces/default/pods/hello';

export const readingCommands: readonly CommandStep[] = [
  { title: 'version', args: ['version', '-o', 'json'], code: 0 },
  { title: 'cluster-info', args: ['cluster-info'], code: 0, settle: settleServer },
  { title: 'api-resources', args: ['api-resources', '--sort-by=name'], code: 0, shows: /deployments/ },
  { title: 'api-versions', args: ['api-versions'], code: 0 },
  {
    title: 'explain',
    args: ['explain', 'pod.spec.containers', '--recursive'],
    code: 0,
    shows: /livenessProbe/,
  },
  { title: 'get', args: ['get', 'pods', '-A'], code: 0, settle: settleAges },
  { title: 'get -o wide', args: ['get', 'pods', '-A', '-o', 'wide'], code: 0, settle: settleAges },
  { title: 'get -o json', args: ['get', 'pods', '-n', 'shop', '-o', 'json'], code: 0 },
  { title: 'get -o yaml', args: ['get', 'pod', 'hello', '-o', 'yaml', '--show-managed-fields'], code: 0 },
  {
    title: 'get -o custom-columns',
    args: ['get', 'pods', '-A', '-o', 'custom-columns=NAME:.metadata.name,IP:.status.podIP'],
    code: 0,
  },
  {
    title: 'get by pages',
    args: ['get', 'configmaps', '-n', 'large', '--chunk-size=7', '-o', 'name'],
    code: 0,
    shows: /part-39/,
  },
  { title: 'get of what is not there', args: ['get', 'pod', 'none'], code: 1, shows: /NotFound/ },
  { title: 'get of no known kind', args: ['get', 'gadgets'], code: 1 },
  { title: 'describe', args: ['describe', 'pod', 'hello'], code: 0, settle: settleAges },
  { title: 'describe node', args: ['describe', 'node', 'node-1'], code: 0, settle: settleAges },
  { title: 'auth can-i', args: ['auth', 'can-i', 'delete', 'pods'], code: 0, shows: /^yes/ },
  { title: 'auth can-i --list', args: ['auth', 'can-i', '--list'], code: 0 },
  { title: 'auth whoami', args: ['auth', 'whoami', '-o', 'json'], code: 0, settle: settleIds },
  { title: 'events', args: ['events', '-A'], code: 0 },
  raw('an object', pod),
  raw('an object with an empty query', `${pod}?`),
  raw('repeated keys', '/api/v1/namespaces/large/configmaps?limit=1&limit=2'),
  raw('plus signs', '/api/v1/namespaces/large/configmaps?labelSelector=app+in+(large,b)&limit=1'),
  raw('an encoded slash', '/api/v1/namespaces/default/pods/he%2Fllo', 1),
  raw('letters beyond ASCII', '/api/v1/namespaces/default/pods/%E2%82%AC', 1),
  raw('two slashes', '/api//v1/namespaces', 1),
  raw('a slash at the end', '/api/v1/'),
  raw('readiness', '/readyz?verbose'),
  {
    title: 'logs --limit-bytes',
    args: ['logs', '-n', 'shop', 'cart', '--limit-bytes=300'],
    code: 0,
    shows: /request 1 /,
  },
  { title: 'logs of what is not there', args: ['logs', 'none'], code: 1 },
  {
    title: 'logs -f',
    args: ['logs', '-n', 'shop', 'cart', '-f', '--tail=1'],
    code: null,
    isEnough: hasThreeLines,
    settle: settleFollowed,
  },
  {
    title: 'wait for what is so',
    args: ['wait', '--for=condition=Ready', 'pod/hello', '--timeout=5s'],
    code: 0,
    shows: /condition met/,
  },
  {
    title: 'wait for what is not so',
    args: ['wait', '--for=jsonpath={.status.phase}=Failed', 'pod/hello', '--timeout=1s'],
    code: 1,
    shows: /timed out/,
  },
];

export const writingCommands: readonly CommandStep[] = [
  {
    title: 'apply of something new',
    args: ['apply', '-f', '-'],
    input: manifest('one'),
    code: 0,
    prepare: withoutApplied,
    shows: /created/,
  },
  {
    title: 'apply of what kubectl did not make',
    args: ['apply', '-f', '-', '-o', 'yaml'],
    input: manifest('two'),
    code: 0,
    prepare: withApplied,
    settle: settleIds,
    shows: /missing the kubectl.kubernetes.io.last-applied-configuration/,
  },
  {
    title: 'apply --server-side',
    args: ['apply', '--server-side', '--force-conflicts', '-f', '-', '-o', 'json', '--show-managed-fields'],
    input: manifest('two'),
    code: 0,
    prepare: withApplied,
    settle: settleIds,
    shows: /"operation": "Apply"/,
  },
  {
    title: 'apply --server-side with a conflict',
    args: ['apply', '--server-side', '-f', '-'],
    input: manifest('two'),
    code: 1,
    prepare: withApplied,
    shows: /conflict/,
  },
  {
    title: 'diff',
    args: ['diff', '-f', '-'],
    input: manifest('two'),
    code: 1,
    prepare: withApplied,
    settle: settleDiff,
  },
  {
    title: 'create --dry-run=server',
    args: [
      'create',
      'configmap',
      'shown',
      '-n',
      'script',
      '--from-literal=a=b',
      '--dry-run=server',
      '-o',
      'json',
    ],
    code: 0,
    settle: settleIds,
  },
  {
    title: 'replace of something large from stdin',
    args: ['replace', '-f', '-', '-o', 'jsonpath={.data.value}'],
    input: manifest('x'.repeat(900_000)),
    code: 0,
    prepare: withApplied,
    shows: /^x{900000}$/,
  },
  {
    title: 'edit by a patch',
    args: ['patch', 'configmap', 'applied', '-n', 'script', '-p', '{"data":{"value":null}}', '-o', 'json'],
    code: 0,
    prepare: withApplied,
    settle: settleIds,
  },
  {
    title: 'label',
    args: ['label', 'configmap', 'applied', '-n', 'script', 'a=b'],
    code: 0,
    prepare: withApplied,
  },
  {
    title: 'delete',
    args: ['delete', 'configmap', 'applied', '-n', 'script'],
    code: 0,
    prepare: withApplied,
  },
  {
    title: 'delete --wait',
    args: ['delete', 'configmap', 'held', '-n', 'script', '--wait', '--timeout=20s'],
    code: 0,
    prepare: withFinalizer,
    meanwhile: async (client) => {
      // It waits from now on.
      await wait(300);
      await client.raw('PATCH', `${script}/configmaps/held`, removeFinalizers);
    },
    shows: /deleted/,
  },
  {
    title: 'rollout status',
    args: ['rollout', 'status', 'deployment/rolled', '-n', 'script', '--timeout=20s'],
    code: 0,
    prepare: withRollout,
    meanwhile: async (client) => {
      await client.patchStatus(`${deployments}/rolled`, {
        observedGeneration: 1,
        replicas: 1,
        updatedReplicas: 1,
        readyReplicas: 1,
        availableReplicas: 1,
      });
    },
    shows: /Waiting for .*\n(.*\n)*.*successfully rolled out/,
  },
  {
    title: 'get --watch',
    // Of one object by its name kubectl begins the watch later than what it has shown.
    args: [
      'get',
      'configmaps',
      '-l',
      'app=seen',
      '-n',
      'script',
      '--watch',
      '-o',
      'jsonpath={.data.value}{"\\n"}',
    ],
    code: null,
    prepare: async (client) => {
      await client.apply(`${script}/configmaps/seen`, configMap('seen', { value: 'zero' }, { app: 'seen' }));
    },
    meanwhile: async (client) => {
      await client.patch(`${script}/configmaps/seen`, { data: { value: 'one' } });
      await client.delete(`${script}/configmaps/seen`);
    },
    isEnough: hasThreeLines,
    shows: /^zero\none\none\n$/,
  },
];

function settleDiff(text: string): string {
  return text.replaceAll(/\/tmp\/\S+/g, 'FILE').replaceAll(/\t?\d{4}-\d\d-\d\d [\d:.]+ .*/g, '');
}

const binary = makeBytes(1_000_000);

export const streamingCommands: readonly CommandStep[] = bothProtocols.flatMap(
  ([protocol, env]): readonly CommandStep[] => [
    {
      title: `exec over ${protocol}`,
      args: ['exec', 'hello', '--', 'sh', '-c', 'echo out; echo err >&2'],
      env,
      code: 0,
    },
    {
      // Of KWOK's own errors kubectl learns no exit code: it ends with 1, both ways.
      title: `exec over ${protocol} of what fails`,
      args: ['exec', 'hello', '--', 'sh', '-c', 'echo out; exit 7'],
      env,
      code: 1,
      shows: /exit status 7/,
    },
    {
      // No `cat`: KWOK does not tell a command that its input has ended.
      title: `exec over ${protocol} of every byte and back`,
      args: ['exec', '-i', 'hello', '--', 'head', '-c', '1000000'],
      env,
      input: binary,
      code: 0,
    },
    {
      title: `exec over ${protocol} in what is not there`,
      args: ['exec', 'none', '--', 'true'],
      env,
      code: 1,
    },
    {
      title: `attach over ${protocol}`,
      args: ['attach', '-n', 'shop', 'cart'],
      env,
      code: null,
      isEnough: hasThreeLines,
      settle: settleFollowed,
    },
  ],
);

export interface ComparedOutcomes {
  readonly straight: Outcome;
  readonly differences: readonly Difference[];
}

const attempts = 3;

export async function runCommandStep(scene: Scene, step: CommandStep): Promise<ComparedOutcomes> {
  for (let attempt = 1; ; attempt++) {
    const [straight, through] = step.prepare
      ? [await runAlone(scene, scene.straight, step), await runAlone(scene, scene.through, step)]
      : await Promise.all([run(scene, scene.straight, step), run(scene, scene.through, step)]);
    const differences = compareOutcomes(step, straight, through);
    if (attempt === attempts || differences.length === 0) return { straight, differences };
  }
}

async function runAlone(scene: Scene, way: Way, step: CommandStep): Promise<Outcome> {
  const { client } = scene.spoke;
  await step.prepare?.(client);
  const begun = Promise.withResolvers<undefined>();
  const [outcome] = await Promise.all([
    run(scene, way, step, () => begun.resolve(undefined)),
    begun.promise.then(() => step.meanwhile?.(client)),
  ]);
  return outcome;
}

function run(scene: Scene, way: Way, step: CommandStep, onBegun?: () => void): Promise<Outcome> {
  const { env = {}, input = '', isEnough } = step;
  const args = step.isRaw
    ? step.args.map((arg) => (arg.startsWith('/') ? way.prefix + arg : arg))
    : step.args;
  return runKubectl(scene, way, args, { env, input, isEnough, onBegun });
}

function compareOutcomes(
  { title, settle = (text) => text }: CommandStep,
  straight: Outcome,
  through: Outcome,
): readonly Difference[] {
  const read = ({ code, stdout, stderr }: Outcome): readonly [what: string, text: string][] => [
    ['exit code', String(code)],
    ['stdout', settle(stdout.toString('latin1'))],
    ['stderr', settle(stderr)],
  ];
  const other = read(through);
  return read(straight).flatMap(([what, text], index) => {
    const [, otherText] = other[index] ?? [];
    return text === otherText ? [] : [{ step: title, what, straight: text, through: otherText }];
  });
}
