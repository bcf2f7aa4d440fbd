/** Stages the paths of its standard input, a JSON array, into the repository it is given; prints what became of it. */
import { readFileSync } from 'node:fs';
import { stage } from '../../src/copy/stage.ts';
import { openQuickly } from '../support/quick-repository.ts';

export interface LimitedStage {
  readonly isPartial: boolean;
  readonly filesNew: number;
  readonly errors: readonly string[];
  /** What `ulimit` has left to the process. */
  readonly descriptors: string;
}

const [location] = process.argv.slice(2);
if (location !== undefined) {
  const paths = JSON.parse(readFileSync(0, 'utf8')) as string[];
  const repository = await openQuickly(location);
  const errors: string[] = [];
  const staged = await stage(repository, {
    paths,
    workers: 2,
    onEvent: (event) => {
      if (event.type === 'error') errors.push(event.error.message);
    },
  });
  await repository.store.close();
  const [, descriptors = ''] =
    /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  const { isPartial, counts } = staged;
  const result: LimitedStage = { isPartial, filesNew: counts.filesNew, errors, descriptors };
  process.stdout.write(JSON.stringify(result));
}
