import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';

const folder = new URL('../fixtures/fieldwork/', import.meta.url);

export type PemName = 'root' | 'intermediate' | 'leaf' | 'leaf-of-intermediate' | 'bundle-leaf-first';

export function readFixture(path: string): string {
  return readFileSync(new URL(path, folder), 'utf8');
}

export function listFixtures(of: 'profiles' | 'providers'): string[] {
  return readdirSync(new URL(`${of}/`, folder)).sort();
}

/** The objects of a file, one for each of its documents. */
export function readObjects(path: string): unknown[] {
  return parseAllDocuments(readFixture(path)).map((document) => document.toJS() as unknown);
}

/** Certificate authority data as a profile carries it. */
export function caDataOf(name: PemName, lineEnd: '\n' | '\r\n' = '\n'): string {
  return Buffer.from(readFixture(`pki/${name}.pem`).replaceAll('\n', lineEnd)).toString('base64');
}

export function fingerprintOf(pem: string): string {
  return new X509Certificate(pem).fingerprint256;
}
