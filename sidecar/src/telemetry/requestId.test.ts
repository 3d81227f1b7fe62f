import { expect, it } from 'vitest';
import { createRequestId } from './requestId.ts';

it('[ID-31] a random UUID, another each time', () => {
  const ids = Array.from({ length: 1000 }, createRequestId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids)
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  // Each digit but the two that say so is as random as the others.
  for (let place = 0; place < 36; place++) {
    const digits = new Set(ids.map((id) => id[place]));
    expect(digits.size).toBe([8, 13, 14, 18, 23].includes(place) ? 1 : place === 19 ? 4 : 16);
  }
});
