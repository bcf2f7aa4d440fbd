import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { dirname } from 'node:path';

const root = dirname(dirname(import.meta.dirname));
/** What decides how the built package behaves. */
const paths = ['src', 'bin', 'package.json', 'package-lock.json'];

/**
 * Which tranship is measured: the commit, for readers, and a hash of what is built. Without a `ref` that is the clone
 * as it is, edits included.
 */
export function identifyEngine(ref?: string): { readonly commit: string; readonly engine: string } {
  const git = (...args: readonly string[]): string =>
    execFileSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 28 });
  const commit = git('rev-parse', '--short=12', ref ?? 'HEAD').trim();
  const hash = createHash('sha256').update(git('ls-tree', commit, '--', ...paths));
  let edits = '';
  if (ref === undefined) {
    edits =
      git('diff', 'HEAD', '--', ...paths) + git('ls-files', '--others', '--exclude-standard', '--', ...paths);
    hash.update(edits);
  }
  const engine = hash.digest('hex').slice(0, 12);
  return { commit: edits === '' ? commit : `${commit} with edits`, engine };
}
