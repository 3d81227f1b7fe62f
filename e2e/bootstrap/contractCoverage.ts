import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './builds.ts';
import { readReport } from './results.ts';

export interface ContractCoverage {
  /** Each file of docs/contracts with the rules in it, in their order. */
  readonly files: readonly {
    readonly file: string;
    readonly named: readonly string[];
    readonly missing: readonly string[];
  }[];
}

/** Which rules the titles of tests that ran and passed name, as in `it('[EX-07, FA-21] …')`. */
export function readContractCoverage(reports = join(root, 'reports')): ContractCoverage {
  const contracts = join(root, 'docs/contracts');
  const named = new Set(
    readdirSync(reports)
      .filter((file) => file.endsWith('.json'))
      .flatMap((file) => readReport(join(reports, file)))
      .filter(({ status }) => status === 'passed')
      .flatMap(({ fullName }) => readIds(fullName)),
  );
  const files = readdirSync(contracts)
    .filter((file) => file.endsWith('.md'))
    .sort()
    .map((file) => ({ file, rules: readRules(readFileSync(join(contracts, file), 'utf8')) }))
    .filter(({ rules }) => rules.length > 0);
  return {
    files: files.map(({ file, rules }) => ({
      file,
      named: rules.filter((rule) => named.has(rule)),
      missing: rules.filter((rule) => !named.has(rule)),
    })),
  };
}

/** Those of rules, and of cases (`S07`), which stand among them in some titles. */
export function readIds(title: string): string[] {
  return [...title.matchAll(/\[([A-Z]+-?\d{2}(?:, ?[A-Z]+-?\d{2})*)\]/g)].flatMap(([, ids = '']) =>
    ids.split(/, ?/),
  );
}

export function readRules(contract: string): string[] {
  return [...contract.matchAll(/^- ([A-Z]{2}-\d{2}) /gm)].map(([, rule = '']) => rule);
}

export function describeCoverage({ files }: ContractCoverage): string {
  const named = files.reduce((sum, file) => sum + file.named.length, 0);
  const all = files.reduce((sum, file) => sum + file.named.length + file.missing.length, 0);
  return `${named} of ${all} contract rules are named by passed tests`;
}
