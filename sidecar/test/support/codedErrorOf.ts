import { CodedError } from '../../src/foundation/errors.ts';

/** The CodedError that a call throws or a promise rejects with; anything else fails the test. */
export async function codedErrorOf(act: () => unknown): Promise<CodedError> {
  try {
    await act();
  } catch (thrown) {
    if (thrown instanceof CodedError) return thrown;
    throw thrown;
  }
  throw new Error('nothing was thrown');
}
