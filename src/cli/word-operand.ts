import { UsageError } from '../base/errors.ts';

/** An operand as one of a few words; throws UsageError for another one, or none. */
export function wordOperand<Word extends string>(
  what: string,
  given: string | undefined,
  words: readonly Word[],
): Word {
  const word = words.find((candidate) => candidate === given);
  if (word !== undefined) return word;
  const advice = `one of: ${words.join(', ')}`;
  if (given === undefined) throw new UsageError(`no ${what} was given`, { advice });
  throw new UsageError(`unknown ${what}`, { where: given, advice });
}
