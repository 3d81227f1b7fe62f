/** Flags of Node that weaken TLS or HTTP for the whole process, or read flags from where nobody looks here. */
const weakening: readonly RegExp[] = [
  /^--insecure-http-parser$/,
  /^--security-revert$/,
  /^--tls-min-v1\.[01]$/,
  // Whoever reads the file reads every credential that was sent.
  /^--tls-keylog$/,
  /^--experimental-(default-)?config-file$/,
];

/**
 * What makes Node weaker than it may be where a fleet's keys are held (TH-47); undefined where nothing does.
 * `--openssl-legacy-provider` is none of it: no cipher of TLS that Node offers needs it. Nor is
 * `--max-http-header-size`, since each listener says its own.
 */
export function findWeakening(
  execArgv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined {
  if (environment['NODE_TLS_REJECT_UNAUTHORIZED'] === '0') return 'NODE_TLS_REJECT_UNAUTHORIZED=0';
  return [...execArgv, ...splitNodeOptions(environment['NODE_OPTIONS'] ?? '')].find((flag) => {
    // Node takes underscores for dashes, in the name alone.
    const name = (flag.split('=', 1)[0] ?? '').replaceAll('_', '-');
    return weakening.some((each) => each.test(name));
  });
}

/** As Node does it: at spaces, except between double quotes, where a backslash takes the next character as it is. */
function splitNodeOptions(text: string): string[] {
  const flags: string[] = [];
  let flag: string | undefined;
  let isQuoted = false;
  for (let index = 0; index < text.length; index++) {
    let character = text.charAt(index);
    if (character === '"') {
      isQuoted = !isQuoted;
      continue;
    }
    if (character === ' ' && !isQuoted) {
      if (flag !== undefined) flags.push(flag);
      flag = undefined;
      continue;
    }
    if (character === '\\' && isQuoted) character = text.charAt(++index);
    flag = (flag ?? '') + character;
  }
  if (flag !== undefined) flags.push(flag);
  return flags;
}
