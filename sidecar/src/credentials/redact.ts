const replacement = '[redacted]';

/**
 * Names whose values are secrets, in any spelling: `client-key-data`, `AWS_SECRET_ACCESS_KEY`, `idToken`. Repetitions
 * are bounded here and below, so that no text makes the search slow.
 */
export const secretName = String.raw`[\w.-]{0,40}(?:token|passw(?:or)?d|passphrase|pwd|secret|api[-_]?key|access[-_]?key|private[-_]?key|(?:client[-_]?)?key[-_]?data|credentials?|authorization|cookie|session|signature|assertion)[\w.-]{0,40}`;

const patterns: readonly (readonly [RegExp, string])[] = [
  // Whole PEM blocks, and ones whose end or beginning was cut off.
  [/-----BEGIN [^-\n]+-----[\s\S]*?(?:-----END [^-\n]+-----|$)/g, replacement],
  [/^[\s\S]*?-----END [^-\n]+-----/g, replacement],
  // JSON Web Tokens, also cut ones and ones without a signature.
  [/\beyJ[\w-]{6,}(?:\.[\w-]*){0,4}/g, replacement],
  [/\b(bearer|basic|negotiate|digest)\s+[^\s"',;]{6,}/gi, `$1 ${replacement}`],
  // The user information of a URL.
  [/(\b[a-z][a-z\d+.-]{0,20}:\/\/)[^\s/"']+@/gi, `$1${replacement}@`],
  // name=value, name: value, "name": "value", and the same inside an escaped JSON text.
  [
    new RegExp(
      String.raw`(\\?["']?\b${secretName}\\?["']?\s{0,8}[:=]\s{0,8})(?!\[redacted\])(?:"(?:[^"\\\n]|\\.)*"?|\\"(?:[^"\\\n]|\\[^"\n])*(?:\\")?|'[^'\n]*'?|[^\s"'&,;]+)`,
      'gi',
    ),
    `$1${replacement}`,
  ],
  // --token value
  [
    new RegExp(String.raw`((?:^|\s)--?${secretName}\s{1,8})(?!-)(?:"[^"\n]*"|'[^'\n]*'|\S+)`, 'gim'),
    `$1${replacement}`,
  ],
  // Kubernetes bootstrap tokens, long hexadecimal strings.
  [/\b[a-z0-9]{6}\.[a-z0-9]{16}\b/g, replacement],
  [/\b[0-9a-f]{32,}\b/gi, replacement],
];

/** Something like base64: long, and of a kind of disorder that names and paths do not have. */
const longRun = /[A-Za-z0-9+/_=-]{20,}/g;

function looksRandom(run: string): boolean {
  if (run.length >= 64 && !/[/-][a-z]/.test(run)) return true;
  const kinds = [/[a-z]/, /[A-Z]/, /\d/].filter((kind) => kind.test(run)).length;
  if (kinds === 3) return true;
  return kinds === 2 && run.split(/[/_=+-]/).some((part) => part.length >= 16 && /\d/.test(part));
}

/**
 * A plugin's stderr without what looks like a token, key or password (EX-15), and without what could steer a
 * terminal. Rather too much than too little: what is left is a hint for people, not data.
 * @param secrets Texts that are secret whatever they look like.
 */
export function redact(text: string, secrets: readonly string[] = []): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  let result = text.replace(/\x1b\[[\d;?]*[A-Za-z]/g, '').replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, '');
  // The longest first: a secret may hold another.
  for (const secret of [...secrets].sort((one, other) => other.length - one.length)) {
    if (secret.length >= 6) result = result.replaceAll(secret, replacement);
  }
  for (const [pattern, substitute] of patterns) result = result.replace(pattern, substitute);
  return result.replace(longRun, (run) => (looksRandom(run) ? replacement : run));
}
