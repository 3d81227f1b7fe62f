/**
 * The steps of each command, in order. The first runs on whatever Node there is, the rest on the pinned one; that
 * both know the whole list is what makes "step 3 of 9" true from the first line on.
 */
export const plans = /** @type {const} */ ({
  demo: {
    summary: 'a hub, spokes, the dashboard and the sidecar on this machine',
    script: 'e2e/demo/main.ts',
    steps: [
      'Dependencies',
      'Plugin',
      'Dashboard UI',
      'Real parts',
      'Hub and spokes',
      'Dashboard and sidecar',
    ],
  },
  test: {
    summary: 'every test and check',
    script: 'e2e/bootstrap/test.ts',
    steps: [
      'Dependencies',
      'Plugin',
      'Dashboard UI',
      'Real parts',
      'Browser',
      'Tests of the sidecar',
      'Tests of the plugin',
      'Tests end to end',
      'Checks',
    ],
  },
  mutate: {
    summary: 'whether the tests notice each rule that is broken on purpose',
    script: 'e2e/mutate/run.ts',
    steps: ['Dependencies', 'Patches'],
  },
  check: {
    summary: 'types, lint, formatting, unused code',
    script: 'e2e/bootstrap/check.ts',
    steps: ['Dependencies', 'Checks'],
  },
});
