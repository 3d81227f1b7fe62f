import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { extname, join } from 'node:path';
import { writeBody, writeText } from './answers.ts';

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.ttf': 'font/ttf',
  '.woff2': 'font/woff2',
};

/** Answers with the file if there is one, and returns whether there was. `path` is already cleaned. */
export async function serveFile(
  response: ServerResponse,
  folder: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<boolean> {
  if (path.includes('\0') || path.includes('\\') || path.split('/').includes('..')) return false;
  const file = join(folder, path);
  const found = await stat(file).catch(() => undefined);
  if (!found?.isFile()) return false;
  response.writeHead(200, {
    'Content-Type': CONTENT_TYPES[extname(file)] ?? 'application/octet-stream',
    'Content-Length': found.size,
    ...headers,
  });
  createReadStream(file)
    .on('error', () => response.destroy())
    .pipe(response);
  return true;
}

/** The page for every path that names no file: the UI routes by itself. */
export async function serveIndex(response: ServerResponse, folder: string, baseUrl: string): Promise<void> {
  const page = await readFile(join(folder, 'index.html'), 'utf8').catch(() => undefined);
  if (page === undefined) {
    writeText(response, 404, 'File not found');
    return;
  }
  writeBody(response, 200, applyBaseUrl(page, baseUrl), {
    'Content-Type': 'text/html; charset=utf-8',
    'Cache-Control': 'no-cache',
  });
}

/** Headlamp rewrites its page at start: the line that sets the base URL, and every relative reference. */
export function applyBaseUrl(page: string, baseUrl: string): string {
  return page
    .replaceAll('headlampBaseUrl = __baseUrl__', `headlampBaseUrl = '${baseUrl === '' ? '/' : baseUrl}'`)
    .replaceAll('./', `${baseUrl}/`)
    .replaceAll('url(', `url(${baseUrl}/`);
}
