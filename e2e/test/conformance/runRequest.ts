import { compareAnswers, type Difference, headerOf } from './differences.ts';
import { exchange, type RawAnswer } from './rawHttp.ts';
import type { Known, RequestStep } from './requestSteps.ts';
import type { Scene, Way } from './scene.ts';

export interface Compared {
  readonly straight: RawAnswer;
  readonly differences: readonly Difference[];
}

/** How often both are asked before what differs is taken for a difference: something else may write in between. */
const attempts = 3;

export async function runStep(scene: Scene, step: RequestStep, known: Known): Promise<Compared> {
  for (let attempt = 1; ; attempt++) {
    const [straight, through] =
      step.prepare || step.isOneByOne
        ? [
            await runAlone(scene, scene.straight, step, known),
            await runAlone(scene, scene.through, step, known),
          ]
        : await runTogether(scene, step, known);
    const differences = compareAnswers(step.title, straight, through, step.settle);
    if (attempt === attempts || !differences.some(({ what }) => what === 'body'))
      return { straight, differences };
  }
}

async function runAlone(
  { spoke: { client } }: Scene,
  way: Way,
  step: RequestStep,
  known: Known,
): Promise<RawAnswer> {
  await step.prepare?.(client);
  const begun = Promise.withResolvers<undefined>();
  const [answer] = await Promise.all([
    send(way, step, known, () => begun.resolve(undefined)),
    begun.promise.then(() => step.meanwhile?.(client)),
  ]);
  return answer;
}

/** Both at the same time; what is to happen meanwhile happens once both answers have begun. */
async function runTogether(
  { spoke: { client }, straight, through }: Scene,
  step: RequestStep,
  known: Known,
): Promise<readonly [RawAnswer, RawAnswer]> {
  const begun = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()] as const;
  const [left, right] = await Promise.all([
    send(straight, step, known, () => begun[0].resolve(undefined)),
    send(through, step, known, () => begun[1].resolve(undefined)),
    Promise.all([begun[0].promise, begun[1].promise]).then(() => step.meanwhile?.(client)),
  ]);
  return [left, right];
}

function send(way: Way, step: RequestStep, known: Known, onHead?: () => void): Promise<RawAnswer> {
  const { method = 'GET', path, headers = [], user = 'ana', body } = step;
  return exchange(
    way.server,
    {
      method,
      target: way.prefix + (typeof path === 'string' ? path : path(known)),
      headers: [...way.identify(user), ...(typeof headers === 'function' ? headers(known) : headers)],
      body: typeof body === 'string' ? Buffer.from(body) : body,
      chunkBytes: step.chunkBytes,
      expectContinue: step.expectContinue,
    },
    { onHead, isEnough: step.isEnough },
  );
}

/** Straight from the spoke. */
export async function learn({ straight }: Scene): Promise<Known> {
  const nothing: Known = { continueToken: '', discoveryTag: '', documentPath: '', documentTag: '' };
  const read = (path: string, headers: RequestStep['headers'] = []): Promise<RawAnswer> =>
    send(straight, { title: '', path, headers, status: 200 }, nothing);
  const page = await read('/api/v1/namespaces/large/configmaps?limit=7');
  const { metadata } = JSON.parse(page.body.toString()) as { metadata: { continue: string } };
  const discovery = await read('/apis', [
    ['Accept', 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'],
  ]);
  const index = JSON.parse((await read('/openapi/v3')).body.toString()) as {
    readonly paths: Readonly<Record<string, { readonly serverRelativeURL: string }>>;
  };
  const documentPath = index.paths['apis/apps/v1']?.serverRelativeURL ?? '';
  return {
    continueToken: encodeURIComponent(metadata.continue),
    discoveryTag: headerOf(discovery, 'etag'),
    documentPath,
    documentTag: headerOf(await read(documentPath), 'etag'),
  };
}
