import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { splitCommandWords } from '../../src/cli/command-words.ts';

/** What restic 0.14 passes to a program for each `--password-command`. */
const asRestic: readonly (readonly [string, readonly string[]])[] = [
  ['pass show backup', ['pass', 'show', 'backup']],
  ['  pass\tshow\n', ['pass', 'show']],
  [`cmd a"b c"d 'it"s' "" e`, ['cmd', 'a', 'b c', 'd', 'it"s', 'e']],
  [String.raw`cmd "a\"b" c\ d \x`, ['cmd', String.raw`a\"b`, 'c', 'd', 'x']],
];

describe('words of a command', () => {
  for (const [command, words] of asRestic) {
    it(JSON.stringify(command), () => assert.deepEqual(splitCommandWords(command), words));
  }

  it('no word is expanded', () => {
    assert.deepEqual(splitCommandWords('echo $HOME * `id` ; rm'), ['echo', '$HOME', '*', '`id`', ';', 'rm']);
  });

  it('an open quote and an empty command are refused', () => {
    assert.throws(() => splitCommandWords(`cmd 'x`), /not closed/);
    assert.throws(() => splitCommandWords(String.raw`cmd 'q\'`), /not closed/);
    assert.throws(() => splitCommandWords(' "" '), /empty/);
  });
});
