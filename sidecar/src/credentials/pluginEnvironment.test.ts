import { describe, expect, it } from 'vitest';
import { buildPluginEnvironment } from './pluginEnvironment.ts';

describe('buildPluginEnvironment', () => {
  it('[EX-02] inherits, then takes the provider’s, the last of one name winning', () => {
    const environment = buildPluginEnvironment(
      { HOME: '/home/me', MODE: 'inherited', UNSET: undefined },
      [
        { name: 'MODE', value: 'first' },
        { name: 'MODE', value: 'last' },
        { name: 'EMPTY', value: '' },
      ],
      '{}',
    );
    expect({ ...environment }).toEqual({
      HOME: '/home/me',
      MODE: 'last',
      EMPTY: '',
      KUBERNETES_EXEC_INFO: '{}',
    });
  });

  it.each([
    ['by its name', { name: 'KUBERNETES_EXEC_INFO', value: 'forged' }],
    ['by a name with an equals sign', { name: 'KUBERNETES_EXEC_INFO=forged', value: '' }],
  ])('[EX-02] cannot replace KUBERNETES_EXEC_INFO %s', (_how, variable) => {
    const environment = buildPluginEnvironment({ KUBERNETES_EXEC_INFO: 'inherited' }, [variable], 'ours');
    expect({ ...environment }).toEqual({ KUBERNETES_EXEC_INFO: 'ours' });
  });

  it('takes a name of the prototype as any other', () => {
    const environment = buildPluginEnvironment({}, [{ name: '__proto__', value: 'x' }], '{}');
    expect(Object.entries(environment)).toContainEqual(['__proto__', 'x']);
  });
});
