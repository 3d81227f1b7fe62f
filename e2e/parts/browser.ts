import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import { runCommand } from '../bootstrap/runCommand.mjs';
import { isExecutable } from './findParts.mjs';
import { silent, type Progress } from './progress.ts';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'] as const;

export interface ResolveBrowserOptions {
  readonly environment?: NodeJS.ProcessEnv;
  readonly progress?: Progress;
  readonly playwrightPath?: string;
  /** Installs the system's package; false where that is not possible. */
  readonly install?: ((progress: Progress) => Promise<void>) | false;
}

/**
 * The path of a Chromium: CHROMIUM_PATH, else one on PATH, else Playwright's own, else the system's package is
 * installed where that is possible (Debian, as root).
 */
export async function resolveBrowser({
  environment = process.env,
  progress = silent,
  playwrightPath = chromium.executablePath(),
  install = canInstall() && installChromium,
}: ResolveBrowserOptions = {}): Promise<string> {
  const chosen = environment['CHROMIUM_PATH'];
  if (chosen) {
    if (!isExecutable(chosen)) throw new Error('CHROMIUM_PATH does not name a program.');
    return chosen;
  }
  const found = findOnPath(environment) ?? (isExecutable(playwrightPath) ? playwrightPath : undefined);
  if (found !== undefined) return found;
  if (install) {
    await install(progress);
    const installed = findOnPath(environment);
    if (installed !== undefined) return installed;
  }
  throw new Error(
    [
      'Missing: Chromium. It is looked for in CHROMIUM_PATH, on the PATH, and where Playwright keeps its own.',
      'Install it with your system (Debian: apt-get install chromium), or run: npx playwright-core install chromium',
    ].join('\n'),
  );
}

/** A headless browser that talks to nobody but the page it is given. */
export async function launchBrowser(options: ResolveBrowserOptions = {}): Promise<Browser> {
  return chromium.launch({
    executablePath: await resolveBrowser(options),
    args: [
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

function findOnPath(environment: NodeJS.ProcessEnv): string | undefined {
  const folders = (environment['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.flatMap((folder) => names.map((name) => join(folder, name))).find(isExecutable);
}

function canInstall(): boolean {
  return process.getuid?.() === 0 && existsSync('/etc/debian_version');
}

async function installChromium(progress: Progress): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const options = { env, onLine: progress };
  await runCommand('apt-get', ['update'], options);
  await runCommand('apt-get', ['install', '-y', '--no-install-recommends', 'chromium'], options);
}
