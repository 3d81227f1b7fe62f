/** What one run of the tests says about a patch. */
export type Verdict =
  /** A test saw the rule broken. */
  | { readonly kind: 'killed'; readonly by: string }
  /** All tests passed. */
  | { readonly kind: 'survived' }
  /** Something went wrong, and no test can be credited with having seen the rule broken. */
  | { readonly kind: 'unclear'; readonly why: string };

/** What this reads of the report of vitest's JSON reporter. */
export interface RunReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[] | null;
    }[];
  }[];
}

/**
 * Source that does not run, or a test that waited in vain: neither says which rule is broken. A `fetch` that is cut
 * throws a TypeError too.
 */
const noAssertion =
  /^(SyntaxError|ReferenceError|TypeError(?!: (fetch failed|terminated)))\b|^Error: (Test|Hook) timed out\b/;

/** @param report undefined where none was written */
export function judgeRun(report: RunReport | undefined, exitCode: number | null): Verdict {
  if (report === undefined) return { kind: 'unclear', why: 'vitest wrote no report' };
  const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  const failed = tests.filter(({ status }) => status === 'failed');
  const killer = failed.find(({ failureMessages }) => !noAssertion.test(failureMessages?.[0] ?? ''));
  if (killer) return { kind: 'killed', by: killer.fullName };
  const [first] = failed;
  if (first) return { kind: 'unclear', why: `${first.fullName}: ${firstLine(first.failureMessages?.[0])}` };
  const unloaded = report.testResults.find(({ status }) => status === 'failed');
  if (unloaded)
    return { kind: 'unclear', why: `${unloaded.name} does not load: ${firstLine(unloaded.message)}` };
  if (exitCode !== 0) return { kind: 'unclear', why: 'an error outside of every test' };
  if (!tests.some(({ status }) => status === 'passed')) return { kind: 'unclear', why: 'no test ran' };
  return { kind: 'survived' };
}

function firstLine(text = ''): string {
  return text.split('\n', 1)[0] ?? '';
}
