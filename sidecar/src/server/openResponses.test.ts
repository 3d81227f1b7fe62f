import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { OpenResponses } from './openResponses.ts';

it('[PX-36, FA-42] as a Set holds them, whichever closes first', () => {
  const request = new IncomingMessage(new Socket());
  const responses = Array.from({ length: 4 }, () => new ServerResponse(request));
  const step = fc.record({ isAdded: fc.boolean(), response: fc.constantFrom(...responses) });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const open = new OpenResponses();
      const model = new Set<ServerResponse>();
      for (const { isAdded, response } of steps) {
        // A response comes once.
        if (isAdded && model.has(response)) continue;
        if (isAdded) {
          open.add(response);
          model.add(response);
        } else {
          open.delete(response);
          model.delete(response);
        }
        expect(open.size).toBe(model.size);
        expect(open.list()).toHaveLength(model.size);
        expect(open.list().every((each) => model.has(each))).toBe(true);
        expect(new Set(open.list()).size).toBe(model.size);
      }
    }),
  );
});
