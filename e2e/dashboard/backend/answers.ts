import type { ServerResponse } from 'node:http';

/** As Go's `http.Error` writes them. */
export function writeText(response: ServerResponse, status: number, text: string): void {
  writeBody(response, status, `${text}\n`, {
    'Content-Type': 'text/plain; charset=utf-8',
    'X-Content-Type-Options': 'nosniff',
  });
}

export function writeJson(response: ServerResponse, status: number, value: unknown): void {
  writeBody(response, status, `${JSON.stringify(value)}\n`, { 'Content-Type': 'application/json' });
}

export function writeBody(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Record<string, string>,
): void {
  response.writeHead(status, { 'Content-Length': Buffer.byteLength(body), ...headers });
  response.end(body);
}
