import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type CommandStep,
  readingCommands,
  runCommandStep,
  streamingCommands,
  writingCommands,
} from './commandSteps.ts';
import { headerOf } from './differences.ts';
import { createJudge } from './explained.ts';
import {
  askThroughKubectlProxy,
  copyBothWays,
  digestOfDownload,
  downloadOverPortForward,
  fillRecords,
  openTerminal,
} from './flows.ts';
import {
  createLargeList,
  type Known,
  oddPaths,
  reads,
  refusals,
  type RequestStep,
  watches,
  writes,
} from './requestSteps.ts';
import { learn, runStep } from './runRequest.ts';
import { type Scene, startScene } from './scene.ts';
import { refusedUpgrades, runRefusedUpgrade, runSocketStep, socketSteps } from './socketSteps.ts';

let scene: Scene;
let known: Known;
const judge = createJudge();

beforeAll(async () => {
  scene = await startScene();
  await createLargeList(scene.spoke.client);
  known = await learn(scene);
  return () => scene.stop();
});

const titled = <T extends { readonly title: string }>(steps: readonly T[]): [string, T][] =>
  steps.map((step) => [step.title, step]);

async function checkRequest(_title: string, step: RequestStep): Promise<void> {
  const { straight, differences } = await runStep(scene, step, known);
  expect([straight.status, straight.body.toString().slice(0, 500)]).toEqual([step.status, expect.anything()]);
  expect(straight.body.length).toBeGreaterThanOrEqual(step.minBytes ?? 0);
  if (step.shows) expect(headerOf(straight, step.shows[0])).toMatch(step.shows[1]);
  expect(judge.judge(differences)).toEqual([]);
}

async function checkCommand(_title: string, step: CommandStep): Promise<void> {
  const { straight, differences } = await runCommandStep(scene, step);
  const text = straight.stdout.toString('latin1') + straight.stderr;
  expect([straight.code, text.slice(0, 500)]).toEqual([step.code, expect.anything()]);
  if (step.shows) expect(step.shows.test(text), text.slice(0, 500)).toBe(true);
  expect(judge.judge(differences)).toEqual([]);
}

describe('a request through the sidecar is answered as it is straight', () => {
  describe('[PX-10, PX-20, PX-24] [S07] that reads', () => {
    it.each(titled(reads))('%s', checkRequest);
  });

  describe('[PX-10, PX-20] that is refused by the cluster', () => {
    it.each(titled(refusals))('%s', checkRequest);
  });

  describe('[PX-10, PX-20, PX-24] that writes', () => {
    it.each(titled(writes))('%s', checkRequest);
  });

  describe('[PX-01, PX-02, PX-05] [S01] with an odd path or method', () => {
    it.each(titled(oddPaths))('%s', checkRequest);
  });

  describe('[PX-20, PX-21] that watches', () => {
    it.each(titled(watches))('%s', checkRequest);
  });
});

describe('[PX-30, PX-31, PX-34] a WebSocket through the sidecar has every byte that it has straight', () => {
  it.each(titled(socketSteps))('%s', async (_title, step) => {
    const { shown, differences } = await runSocketStep(scene, step);
    expect(shown.includes(step.shows), shown.slice(0, 500)).toBe(true);
    expect(judge.judge(differences)).toEqual([]);
  });
});

describe('[PX-33] an upgrade that the cluster refuses is answered as it is straight', () => {
  it.each(titled(refusedUpgrades))('%s', async (_title, step) => {
    const { straight, differences } = await runRefusedUpgrade(scene, step);
    expect(straight.status).toBe(step.status);
    expect(judge.judge(differences)).toEqual([]);
  });
});

describe('kubectl says and ends through the sidecar as it does straight', () => {
  describe('[PX-01, PX-20, PX-21] when it reads', () => {
    it.each(titled(readingCommands))('%s', checkCommand);
  });

  describe('[PX-20, PX-21] when it writes', () => {
    it.each(titled(writingCommands))('%s', checkCommand, 60_000);
  });

  describe('[PX-30, PX-34] with streams', () => {
    it.each(titled(streamingCommands))('%s', checkCommand);
  });

  it.each([
    ['WebSocket', 'true'],
    ['SPDY', 'false'],
  ])(
    '[PX-22, PX-30, PX-34] cp of 50 MB over %s, both ways',
    async (_title, webSockets) => {
      const env = { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: webSockets };
      const straight = await copyBothWays(scene, scene.straight, env, fillRecords(100));
      expect(straight).toMatchObject({ isThere: true, isBack: true });
      expect(await copyBothWays(scene, scene.through, env, fillRecords(4_900))).toEqual(straight);
    },
    120_000,
  );

  it.each([
    ['WebSocket', 'true'],
    ['SPDY', 'false'],
  ])('[PX-30, PX-34] port-forward over %s, three downloads at once', async (_title, webSockets) => {
    const env = { KUBECTL_PORT_FORWARD_WEBSOCKETS: webSockets };
    const straight = await downloadOverPortForward(scene, scene.straight, env, 5_000_000);
    const whole = [200, digestOfDownload(5_000_000)];
    expect(straight).toMatchObject({ answers: [whole, whole, whole] });
    expect(await downloadOverPortForward(scene, scene.through, env, 5_000_000)).toEqual(straight);
  });

  it.each([
    ['WebSocket', 'true'],
    ['SPDY', 'false'],
  ])('[PX-30] exec -it over %s tells the size of the terminal', async (_title, webSockets) => {
    const env = { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: webSockets };
    const straight = await openTerminal(scene, scene.straight, env);
    expect(straight).toMatchObject({
      code: 1,
      text: expect.stringContaining('27 91\r\n/dev/pts/\r\n') as string,
    });
    expect(await openTerminal(scene, scene.through, env)).toEqual(straight);
  });

  it('[PX-20, PX-21] with kubectl proxy in between', async () => {
    const straight = await askThroughKubectlProxy(scene, scene.straight);
    expect(straight).toMatchObject({ upload: [201, true], watch: [200, ['ADDED', 'DELETED']] });
    expect(await askThroughKubectlProxy(scene, scene.through)).toEqual(straight);
  });
});

describe('what is different on purpose', () => {
  afterAll(() => {
    console.log(`Of all steps, what a client sees through the sidecar alone:\n${judge.describe()}`);
  });

  it('[PX-15, PX-16] still occurs, each of it', () => {
    expect(judge.findUnused()).toEqual([]);
  });
});
