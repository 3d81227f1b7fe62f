import { environmentName, optionDefinitions } from './optionDefinitions.ts';

/** What `--help` prints (OP-14). */
export function buildHelpText(): string {
  const options = optionDefinitions.map((option) => {
    const fallback = option.default === '' ? '' : `, default ${option.default}`;
    return `  --${option.name} ${option.value}\n${wrap(option.help)}\n      ${environmentName(option.name)}${fallback}`;
  });
  return [
    'Serves every cluster of a Cluster Inventory beside a Headlamp dashboard.',
    '',
    'Usage: cluster-inventory-sidecar --cluster-inventory-provider-file FILE [options]',
    '',
    'Options, each with its environment variable:',
    '',
    ...options.flatMap((text) => [text, '']),
    '  --check-config',
    '      Checks options, provider file and access policy, prints what is wrong, and ends with 0 or 2.',
    '',
    '  --version',
    '      Prints the version and ends.',
    '',
  ].join('\n');
}

function wrap(text: string): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.length - 1;
    const line = lines[last] ?? '';
    if (line.length + word.length + 1 > 90) lines.push(word);
    else lines[last] = line === '' ? word : `${line} ${word}`;
  }
  return lines.map((line) => `      ${line}`).join('\n');
}
