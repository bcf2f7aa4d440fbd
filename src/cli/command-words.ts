import { UsageError } from '../base/errors.ts';

/**
 * The words of a command as restic splits them, without a shell: white space, quotes and a backslash outside quotes
 * separate words; within quotes only the same quote ends one, unless a backslash stands before it, which stays. So
 * `a"b"` is two words, and an empty pair of quotes is none.
 */
export function splitCommandWords(command: string): string[] {
  const words: string[] = [];
  let word = '';
  let quote = '';
  let previous = '';
  for (const character of command) {
    const isQuote = character === '"' || character === "'";
    const toggles = previous !== '\\' && isQuote && (quote === '' || quote === character);
    if (toggles) quote = quote === '' ? character : '';
    else previous = character;
    if (toggles || (quote === '' && (character === '\\' || /\s/u.test(character)))) {
      if (word !== '') words.push(word);
      word = '';
    } else {
      word += character;
    }
  }
  if (word !== '') words.push(word);
  if (quote !== '') throw new UsageError('a quote is not closed in the command', { where: quote });
  if (words.length === 0) throw new UsageError('the command is empty');
  return words;
}
