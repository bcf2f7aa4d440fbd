import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { dataSets } from '../data/catalogue.ts';
import { stores } from '../stores/catalogue.ts';
import { readRun } from '../support/run-file.ts';
import { fillPage, reportOf } from './page.ts';

const documents = join(dirname(dirname(import.meta.dirname)), 'docs');

/**
 * Writes the page and its charts from files of results, and returns the path of the page. By default from all of the
 * engine that was measured last, since a large matrix is made in several runs.
 */
export function writeReport(files: readonly string[], results: string): string {
  const runs = (files.length > 0 ? files : filesIn(results)).map(readRun);
  const last = runs.at(-1);
  if (last === undefined) throw new RangeError('there are no results yet; run npm run bench first');
  const chosen = files.length > 0 ? runs : runs.filter(({ engine }) => engine === last.engine);
  const { parts, charts } = reportOf(chosen, dataSets, stores);
  const page = join(documents, 'performance.md');
  writeFileSync(page, fillPage(readFileSync(page, 'utf8'), parts));
  const folder = join(documents, 'performance');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const { name, svg } of charts) writeFileSync(join(folder, `${name}.svg`), svg);
  return page;
}

/** Oldest first: the names begin with the time. */
function filesIn(results: string): string[] {
  const names = globSync('*.json', { cwd: results }).filter((name) => /^\d{4}-/.test(name));
  return names.sort().map((name) => join(results, name));
}
