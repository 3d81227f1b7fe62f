import { CodedError } from '../foundation/errors.ts';
import { environmentName, type OptionName, optionDefinitions } from './optionDefinitions.ts';

/** The text of each option and where it came from. A flag wins over the environment, the environment over the default. */
export type OptionTexts = Readonly<Record<OptionName, { readonly text: string; readonly from: string }>>;

export type CommandLine =
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'options' | 'check-config'; readonly texts: OptionTexts };

/**
 * Reads `--name value` and `--name=value`. An empty flag is a value; an empty environment variable is none.
 * @throws CodedError `options-invalid` for an unknown option, with the nearest known one as a hint (OP-14)
 */
export function readOptionTexts(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): CommandLine {
  const flags = new Map<string, string>();
  let kind: 'options' | 'check-config' = 'options';
  for (let index = 0; index < argv.length; index++) {
    const argument = argv[index] ?? '';
    if (argument === '--help' || argument === '-h') return { kind: 'help' };
    if (argument === '--version') return { kind: 'version' };
    if (argument === '--check-config') {
      kind = 'check-config';
      continue;
    }
    const match = /^--?([a-z][a-z-]*)(?:=([\s\S]*))?$/.exec(argument);
    const name = match?.[1];
    if (name === undefined || !optionDefinitions.some((option) => option.name === name)) {
      throw new CodedError(
        'options-invalid',
        `unknown option ${argument.split('=')[0] ?? ''}${hintFor(name ?? argument)}`,
      );
    }
    const inline = match?.[2];
    const value = inline ?? argv[++index];
    if (value === undefined) throw new CodedError('options-invalid', `--${name} needs a value`);
    flags.set(name, value);
  }
  const texts = Object.fromEntries(
    optionDefinitions.map((option) => {
      const flag = flags.get(option.name);
      if (flag !== undefined) return [option.name, { text: flag, from: `--${option.name}` }];
      const variable = environment[environmentName(option.name)];
      if (variable !== undefined && variable !== '') {
        return [option.name, { text: variable, from: environmentName(option.name) }];
      }
      return [option.name, { text: option.default, from: `--${option.name}` }];
    }),
  ) as Record<OptionName, { text: string; from: string }>;
  return { kind, texts };
}

function hintFor(argument: string): string {
  const unknown = argument.replace(/^-+/, '');
  const ranked = optionDefinitions
    .map(({ name }) => ({ name, distance: editDistance(unknown, name) }))
    .sort((left, right) => left.distance - right.distance);
  const nearest = ranked[0];
  // Farther away it is another word, not a slip.
  return nearest && nearest.distance <= Math.max(2, Math.floor(unknown.length / 3))
    ? `; did you mean --${nearest.name}?`
    : '; --help lists the options';
}

function editDistance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const substitution = (previous[column - 1] ?? 0) + (left[row - 1] === right[column - 1] ? 0 : 1);
      current.push(Math.min(substitution, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[right.length] ?? 0;
}
