import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resolveBrowser } from '../parts/browser.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parts-browser-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function writeProgram(name: string): string {
  const path = join(folder, name);
  writeFileSync(path, '#!/bin/sh\n');
  chmodSync(path, 0o755);
  return path;
}

describe('resolveBrowser', () => {
  const nowhere = { playwrightPath: '/nowhere/chrome', install: false as const };

  it('prefers CHROMIUM_PATH, then the PATH, then the one of Playwright', async () => {
    const chosen = writeProgram('chosen');
    const playwrightPath = writeProgram('of-playwright');
    expect(await resolveBrowser({ environment: { PATH: folder }, playwrightPath })).toBe(playwrightPath);
    const onPath = writeProgram('chromium');
    expect(await resolveBrowser({ environment: { PATH: folder }, playwrightPath })).toBe(onPath);
    expect(
      await resolveBrowser({ environment: { PATH: folder, CHROMIUM_PATH: chosen }, playwrightPath }),
    ).toBe(chosen);
  });

  it('installs one where it can', async () => {
    const install = (): Promise<void> => Promise.resolve(void writeProgram('chromium'));
    expect(await resolveBrowser({ environment: { PATH: folder }, ...nowhere, install })).toBe(
      join(folder, 'chromium'),
    );
  });

  it('says what is missing and how to get it', async () => {
    await expect(resolveBrowser({ environment: { PATH: folder }, ...nowhere })).rejects.toThrow(
      /Missing: Chromium.*\nInstall/,
    );
    await expect(resolveBrowser({ environment: { CHROMIUM_PATH: '/nowhere' }, ...nowhere })).rejects.toThrow(
      'CHROMIUM_PATH',
    );
  });
});
