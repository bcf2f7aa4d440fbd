import type { CommandContext } from './command.ts';

/** Opens in a millisecond, and protects nothing. */
const weakCost = { N: 2, r: 8, p: 1 };

/** The cost of a new key where the environment asks for one that can be guessed, which is said; else undefined. */
export function weakScryptCost({ environment, output }: CommandContext): typeof weakCost | undefined {
  if (!environment.weakScrypt) return undefined;
  output.warn(
    'TRANSHIP_TEST_WEAK_SCRYPT is set: this repository can be opened by guessing, use it for tests only',
  );
  return weakCost;
}
