import eslint from '@eslint/js';
import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

/**
 * Each workspace from the ground up: a folder imports only from itself and from those before it. The design names the
 * order; this list is what enforces it.
 */
const layers = {
  sidecar: [
    'foundation',
    'config',
    'telemetry',
    'inventory',
    'credentials',
    'clusters',
    'identity',
    'proxy',
    'dashboard',
    'api',
    'server',
    'commands',
  ],
  plugin: ['model', 'api', 'hooks', 'components'],
};

const importDirection = Object.entries(layers).flatMap(([workspace, folders]) =>
  folders.map((folder, index) => ({
    files: [`${workspace}/src/${folder}/**/*.{ts,tsx}`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: [
                ...folders.slice(index + 1).map((later) => `**/${later}/**`),
                '../main.ts',
                '../index.tsx',
                // The API's types, shared by both ends of it.
                '!**/sidecar/src/api/clusterTypes.ts',
                // No folder of ours.
                '!undici/lib/api/**',
              ],
              message: `${folder}/ imports only from the folders before it in the design's order.`,
            },
          ],
        },
      ],
    },
  })),
);

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', 'reports/**', 'artifacts/**', '.demo/**', 'docs/**'] },
  eslint.configs.recommended,
  {
    files: ['**/*.{ts,tsx}'],
    extends: [...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // Index signatures of headers and environments read better with brackets than with a cast.
      '@typescript-eslint/dot-notation': 'off',
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      // An empty function is how "nothing to do" is said; `|| ''` treats an empty text as absent on purpose.
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/prefer-nullish-coalescing': ['error', { ignorePrimitives: { string: true } }],
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true } }],
      'max-lines': ['error', { max: 250, skipBlankLines: true, skipComments: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      eqeqeq: 'error',
    },
  },
  {
    files: ['**/*.test.{ts,tsx}', '**/test/**'],
    rules: { 'max-lines': 'off' },
  },
  // Tools that demand a default export.
  { files: ['**/*.config.ts', '**/*.d.ts'], rules: { 'no-restricted-exports': 'off' } },
  {
    files: ['plugin/src/**/*.{ts,tsx}', 'e2e/dashboard/ui/**/*.{ts,tsx}'],
    plugins: { 'react-hooks': reactHooks },
    rules: reactHooks.configs.recommended.rules,
  },
  {
    files: ['**/*.mjs'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        performance: 'readonly',
        URL: 'readonly',
        setInterval: 'readonly',
        clearInterval: 'readonly',
        setTimeout: 'readonly',
      },
    },
  },
  ...importDirection,
);
