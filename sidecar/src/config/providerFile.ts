import { LineCounter, parseDocument } from 'yaml';
import { CodedError } from '../foundation/errors.ts';
import { asArray, asRecord, asText, isRecord } from '../foundation/unknownValue.ts';

export const execApiVersions = [
  'client.authentication.k8s.io/v1',
  'client.authentication.k8s.io/v1beta1',
] as const;
export type ExecApiVersion = (typeof execApiVersions)[number];

/** One entry of the provider file, checked (AC-01). */
export interface Provider {
  readonly name: string;
  readonly apiVersion: ExecApiVersion;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly provideClusterInfo: boolean;
  readonly installHint: string | undefined;
  readonly argsPolicy: 'Append' | 'Ignore';
  readonly envsPolicy: 'AppendIfNotExists' | 'Replace' | 'Ignore';
}

/** An entry that cannot be used. `fault` names the field, for people. */
export interface DisabledProvider {
  /** Empty when the entry has no name. */
  readonly name: string;
  readonly fault: string;
}

export interface ProviderFile {
  /** In the file's order, which decides (AC-10). */
  readonly providers: readonly Provider[];
  readonly disabled: readonly DisabledProvider[];
}

/**
 * Reads the text of a provider file, JSON or YAML.
 * @throws CodedError `provider-file-invalid` when no provider can be used (AC-02)
 */
export function parseProviderFile(text: string): ProviderFile {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const firstError = document.errors[0];
  if (firstError) {
    const { line, col } = lineCounter.linePos(firstError.pos[0]);
    const fault =
      firstError.code === 'MULTIPLE_DOCS' ? 'has more than one YAML document' : 'is neither JSON nor YAML';
    throw new CodedError('provider-file-invalid', `${fault}: line ${line}, column ${col}`, {
      cause: firstError,
    });
  }
  let content: unknown;
  try {
    content = document.toJS({ maxAliasCount: 10 });
  } catch (cause) {
    throw new CodedError('provider-file-invalid', 'has too many aliases', { cause });
  }
  if (!isRecord(content) || !Array.isArray(content['providers'])) {
    throw new CodedError('provider-file-invalid', 'has no list "providers"');
  }
  const providers: Provider[] = [];
  const disabled: DisabledProvider[] = [];
  const seen = new Set<string>();
  for (const entry of asArray(content['providers'])) {
    const name = asText(asRecord(entry)['name']) ?? '';
    const decoded =
      name !== '' && seen.has(name) ? 'name: used before in this file' : decodeProvider(name, entry);
    seen.add(name);
    if (typeof decoded === 'string') disabled.push({ name, fault: decoded });
    else providers.push(decoded);
  }
  if (providers.length === 0) {
    const faults = disabled.map(
      ({ name, fault }) => `${name === '' ? 'an entry without a name' : `"${name}"`}: ${fault}`,
    );
    throw new CodedError(
      'provider-file-invalid',
      `has no usable provider${faults.length > 0 ? ` (${faults.join('; ')})` : ''}`,
    );
  }
  return { providers, disabled };
}

/** The provider, or which field is wrong. Unknown keys and nulls are accepted. */
function decodeProvider(name: string, entry: unknown): Provider | string {
  if (name === '') return 'name: missing';
  const fields = asRecord(entry);
  const exec = fields['execConfig'];
  if (!isRecord(exec)) return 'execConfig: missing';
  const command = asText(exec['command']);
  if (command === undefined) return 'execConfig.command: missing';
  const apiVersion = execApiVersions.find((version) => version === exec['apiVersion']);
  if (apiVersion === undefined) return `execConfig.apiVersion: not one of ${execApiVersions.join(', ')}`;
  const interactiveMode = exec['interactiveMode'] ?? 'Never';
  if (interactiveMode === 'Always')
    return 'execConfig.interactiveMode: Always cannot be served, nobody sits at a terminal';
  if (interactiveMode !== 'Never' && interactiveMode !== 'IfAvailable' && interactiveMode !== '') {
    return 'execConfig.interactiveMode: unknown';
  }
  const args = exec['args'] ?? [];
  if (!Array.isArray(args) || !args.every((each) => typeof each === 'string'))
    return 'execConfig.args: not a list of strings';
  const env = decodeEnv(exec['env'] ?? []);
  if (env === undefined) return 'execConfig.env: not a list of name and value';
  const argsPolicy = (['Append', 'Ignore'] as const).find(
    (each) => each === (fields['profileSourcedCLIArgsPolicy'] || 'Ignore'),
  );
  if (argsPolicy === undefined) return 'profileSourcedCLIArgsPolicy: unknown';
  const envsPolicy = (['AppendIfNotExists', 'Replace', 'Ignore'] as const).find(
    (each) => each === (fields['profileSourcedEnvVarsPolicy'] || 'Ignore'),
  );
  if (envsPolicy === undefined) return 'profileSourcedEnvVarsPolicy: unknown';
  const provideClusterInfo = exec['provideClusterInfo'] ?? false;
  if (typeof provideClusterInfo !== 'boolean') return 'execConfig.provideClusterInfo: not true or false';
  return Object.freeze({
    name,
    apiVersion,
    command,
    args: Object.freeze([...args]),
    env: Object.freeze(env),
    provideClusterInfo,
    installHint: asText(exec['installHint']),
    argsPolicy,
    envsPolicy,
  });
}

function decodeEnv(value: unknown): { name: string; value: string }[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const decoded = value.map((each) => {
    const { name, value: text } = asRecord(each);
    return typeof name === 'string' &&
      name !== '' &&
      (typeof text === 'string' || text === undefined || text === null)
      ? { name, value: text ?? '' }
      : undefined;
  });
  return decoded.every((each) => each !== undefined) ? decoded : undefined;
}
