import { setFlagsFromString } from 'node:v8';

const usualFactor = 2;
let holders = 0;

/**
 * Keeps V8's young generation at its size meanwhile. It doubles when much of it survives, and stays so: right for
 * traffic, of which nothing lives long, but nearly all of a list does, and took up to 80 MB for no less work.
 */
export async function keepYoungGeneration<Result>(work: () => Promise<Result>): Promise<Result> {
  if (holders++ === 0) setFlagsFromString('--semi-space-growth-factor=1');
  try {
    return await work();
  } finally {
    if (--holders === 0) setFlagsFromString(`--semi-space-growth-factor=${usualFactor}`);
  }
}
