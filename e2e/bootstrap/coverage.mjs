// Plain JavaScript: before any test run nothing may be installed, and this has to be able to say so.
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const reports = fileURLToPath(new URL('../../reports', import.meta.url));

if (existsSync(reports) && readdirSync(reports).some((file) => file.endsWith('.json'))) {
  await import('./printCoverage.ts');
} else {
  console.error('There are no reports of tests yet: `npm test` writes them.');
  process.exitCode = 1;
}
