import { expect, it } from 'vitest';
import { createLog, type LogFields, withFields } from './log.ts';

it('[OP-12] no field takes the place of time, level or message', () => {
  const lines: string[] = [];
  const log = createLog({ format: 'json', level: 'info', write: (line) => lines.push(line), now: () => 0 });
  const fields: object = { time: 'x', level: 'x', message: 'x', other: 1 };
  withFields(log, fields as LogFields).warn('said', fields as LogFields);
  expect(lines).toEqual(['{"time":"1970-01-01T00:00:00.000Z","level":"warn","message":"said","other":1}\n']);
});
