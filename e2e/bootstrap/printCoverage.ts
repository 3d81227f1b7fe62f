import { describeCoverage, readContractCoverage } from './contractCoverage.ts';

const coverage = readContractCoverage();
for (const { file, named, missing } of coverage.files) {
  console.log(`${file}: ${named.length} of ${named.length + missing.length}`);
  if (named.length > 0) console.log(`  named:     ${named.join(' ')}`);
  if (missing.length > 0) console.log(`  not named: ${missing.join(' ')}`);
}
console.log(`\n${describeCoverage(coverage)}`);
