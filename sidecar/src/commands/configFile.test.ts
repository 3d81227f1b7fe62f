import { mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { codedErrorOf } from '../../test/support/codedErrorOf.ts';
import { createManualClock } from '../../test/support/manualClock.ts';
import { until } from '../../test/support/until.ts';
import type { AccessPolicyFile } from '../config/accessPolicyFile.ts';
import { type Log, silentLog } from '../foundation/log.ts';
import { accessPolicyAt, followConfigFile, providerFileAt } from './configFile.ts';

const policyOf = (mode: string): string =>
  `apiVersion: cluster-inventory.headlamp.dev/v1alpha1\nkind: AccessPolicy\ndefaults: {mode: ${mode}}\n`;

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'config-file-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Follows the policy at `path`; `look` lets its watch look once. */
async function follow(path: string) {
  const clock = createManualClock();
  const changes: AccessPolicyFile[] = [];
  const reasons: string[] = [];
  const log: Log = {
    ...silentLog,
    error: (message, fields) => reasons.push(`${message}: ${String(fields?.['reason'])}`),
  };
  const followed = await followConfigFile(accessPolicyAt(path), {
    clock,
    log,
    onChange: (changed) => changes.push(changed),
  });
  const look = async (): Promise<void> => {
    clock.advance(1000);
    await until('the watch has looked', () => clock.pending === 1);
  };
  const end = (): void => {
    followed.end();
  };
  return { content: followed.content, end, changes, reasons, look };
}

describe('the access policy at start', () => {
  it.each([
    ['missing', 'nothing-here.yaml', 'does not exist'],
    ['a directory', '.', 'is a directory'],
    ['not valid', 'bad.yaml', 'is not valid: defaults.mode: "foo" is not one of'],
  ])('%s: an error that names the file and the place', async (_case, name, message) => {
    await writeFile(join(folder, 'bad.yaml'), policyOf('foo'));
    const path = join(folder, name);
    const error = await codedErrorOf(() => follow(path));
    expect(error.code).toBe('access-policy-invalid');
    expect(error.message).toContain(`the access policy ${path} ${message}`);
  });

  it('[AC-02] the provider file has a code of its own', async () => {
    const error = await codedErrorOf(() =>
      followConfigFile(providerFileAt(join(folder, 'x')), {
        clock: createManualClock(),
        log: silentLog,
        onChange: () => undefined,
      }),
    );
    expect(error.code).toBe('provider-file-invalid');
    expect(error.message).toContain('the provider file');
  });
});

describe('a change of the access policy', () => {
  it('that is valid is taken over; one that is not is logged, and the last good one stays', async () => {
    const path = join(folder, 'policy.yaml');
    await writeFile(path, policyOf('shared'));
    const { content, changes, reasons, look, end } = await follow(path);
    expect(content.defaults.mode).toBe('shared');
    await look();
    expect(changes).toHaveLength(0);
    await writeFile(path, policyOf('impersonate'));
    await look();
    expect(changes.map(({ defaults }) => defaults.mode)).toEqual(['impersonate']);
    for (const bad of [policyOf('foo'), '', 'a: [']) {
      await writeFile(path, bad);
      await look();
    }
    await rm(path);
    await look();
    expect(changes).toHaveLength(1);
    expect(reasons).toHaveLength(4);
    expect(reasons[0]).toContain('the last good one stays: the access policy');
    expect(reasons[0]).toContain('defaults.mode: "foo"');
    expect(reasons[3]).toContain('cannot be read');
    await writeFile(path, policyOf('shared'));
    await look();
    expect(changes.map(({ defaults }) => defaults.mode)).toEqual(['impersonate', 'shared']);
    end();
  });

  it('[AC-03] is seen where a mounted ConfigMap swaps a symbolic link', async () => {
    await writeFile(join(folder, 'one'), policyOf('shared'));
    await writeFile(join(folder, 'two'), policyOf('impersonate'));
    const path = join(folder, 'policy.yaml');
    await symlink('one', path);
    const { changes, look, end } = await follow(path);
    await symlink('two', join(folder, 'next'));
    await rename(join(folder, 'next'), path);
    await look();
    expect(changes.map(({ defaults }) => defaults.mode)).toEqual(['impersonate']);
    end();
  });
});
