import { readFile } from 'node:fs/promises';
import { FileSystemError } from '../base/errors.ts';
import { parsePatternFile } from '../copy/source/pattern-file.ts';
import { anyOf, compilePatterns } from '../copy/source/patterns.ts';
import type { PatternList } from '../copy/source/patterns.ts';
import type { Arguments } from './arguments.ts';
import type { Environment } from './environment.ts';
import type { OptionTable } from './option-table.ts';

export const excludeOptions = {
  exclude: {
    kind: 'list',
    short: 'e',
    placeholder: 'PATTERN',
    help: 'leave out what matches, as restic’s patterns do',
  },
  iexclude: { kind: 'list', placeholder: 'PATTERN', help: 'the same, for letters of either case' },
  'exclude-file': { kind: 'list', placeholder: 'FILE', help: 'patterns from a file, one a line' },
  'iexclude-file': { kind: 'list', placeholder: 'FILE', help: 'the same, for letters of either case' },
} as const satisfies OptionTable;

export const includeOptions = {
  include: { kind: 'list', short: 'i', placeholder: 'PATTERN', help: 'take only what matches' },
  iinclude: { kind: 'list', placeholder: 'PATTERN', help: 'the same, for letters of either case' },
  'include-file': { kind: 'list', placeholder: 'FILE', help: 'patterns from a file, one a line' },
  'iinclude-file': { kind: 'list', placeholder: 'FILE', help: 'the same, for letters of either case' },
} as const satisfies OptionTable;

export async function excludePatterns(
  args: Arguments<typeof excludeOptions>,
  environment: Environment,
): Promise<PatternList> {
  return anyOf([
    await compiled(args.list('exclude'), args.list('exclude-file'), environment, false),
    await compiled(args.list('iexclude'), args.list('iexclude-file'), environment, true),
  ]);
}

export async function includePatterns(
  args: Arguments<typeof includeOptions>,
  environment: Environment,
): Promise<PatternList> {
  return anyOf([
    await compiled(args.list('include'), args.list('include-file'), environment, false),
    await compiled(args.list('iinclude'), args.list('iinclude-file'), environment, true),
  ]);
}

async function compiled(
  given: readonly string[],
  files: readonly string[],
  environment: Environment,
  caseInsensitive: boolean,
): Promise<PatternList> {
  const patterns: (string | Uint8Array)[] = [...given];
  for (const file of files) {
    patterns.push(...parsePatternFile(await readListFile(file), { variable: environment.variable }));
  }
  return compilePatterns(patterns, { caseInsensitive });
}

/** A file that an option names. */
export async function readListFile(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new FileSystemError('io', 'cannot read the file', {
      where: path,
      advice: 'check that it exists and that you may read it',
      cause,
    });
  }
}
