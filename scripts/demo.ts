// npm run demo [-- FOLDER]: moves a real tree through a repository in a temporary folder, twice, and proves that it
// arrives whole. The tree is a copy of node_modules, or of FOLDER. Everything goes through the public API, as an
// embedder would.
import { randomBytes } from 'node:crypto';
import { appendFileSync, globSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Repository, openStore, restore, stage, verify } from '../src/index.ts';
import type { StageResult } from '../src/index.ts';

const volume = '/volume';

interface Pass {
  readonly name: string;
  readonly files: number;
  readonly bytes: number;
  readonly newBytes?: number;
  readonly storedBytes?: number;
  readonly seconds: number;
}

/** Runs the work and returns what it gave with the time it took. */
async function timed<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly seconds: number }> {
  const startMs = performance.now();
  const result = await work();
  return { result, seconds: (performance.now() - startMs) / 1000 };
}

/** What a day's work does to a tree: some files grow, one appears, one is moved, one goes. */
function change(tree: string): number {
  const files = globSync('**/*.{js,ts,json,md}', { cwd: tree }).sort();
  const grown = files.filter((_, index) => index % 50 === 0);
  for (const file of grown) appendFileSync(join(tree, file), '\n// changed by the demo\n');
  writeFileSync(join(tree, 'new.bin'), randomBytes(5_000_000));
  const [moved, removed] = files.filter((_, index) => index % 50 === 1);
  if (moved !== undefined) renameSync(join(tree, moved), join(tree, 'moved.txt'));
  if (removed !== undefined) rmSync(join(tree, removed));
  return grown.length + 3;
}

function stagePass(name: string, { counts }: StageResult, seconds: number): Pass {
  const files = counts.filesNew + counts.filesChanged + counts.filesUnmodified;
  const { bytesProcessed: bytes, dataAdded: newBytes, dataAddedPacked: storedBytes } = counts;
  return { name, files, bytes, newBytes, storedBytes, seconds };
}

async function move(folder: string, source: string, signal: AbortSignal): Promise<readonly Pass[]> {
  const tree = join(folder, 'tree');
  // What other programs cache in there comes and goes.
  const filter = (path: string): boolean => !path.includes('/.cache');
  await cp(source, tree, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true, filter });

  const store = await openStore(join(folder, 'repository'), { signal });
  const repository = await Repository.init(store, { password: randomBytes(16).toString('hex'), signal });

  const staging = { paths: [tree], storeAs: volume, signal };
  const first = await timed(() => stage(repository, staging));
  console.log(`staged the tree; changing ${change(tree)} files of it`);
  const second = await timed(() => stage(repository, staging));

  const target = join(folder, 'restored');
  const snapshot = `${second.result.snapshotId ?? 'latest'}:${volume}`;
  const restored = await timed(() => restore(repository, { snapshot, target, signal }));
  const verified = await timed(() => verify(repository, { snapshot, target, signal }));
  if (restored.result.isPartial || !verified.result.isEqual) throw new Error('the restored tree differs');
  console.log('every byte of the restored tree was compared: it is equal to the snapshot\n');

  const { filesRestored, bytesRestored } = restored.result.counts;
  const { files, bytesCompared } = verified.result.counts;
  return [
    stagePass('stage', first.result, first.seconds),
    stagePass('stage again', second.result, second.seconds),
    { name: 'restore', files: filesRestored, bytes: bytesRestored, seconds: restored.seconds },
    { name: 'verify', files, bytes: bytesCompared, seconds: verified.seconds },
  ];
}

function printTable(passes: readonly Pass[]): void {
  const megabytes = (bytes: number | undefined): string =>
    bytes === undefined ? '' : (bytes / 1e6).toFixed(1);
  const ratio = (whole: number, part: number | undefined): string =>
    part === undefined || part === 0 ? '' : `${Math.max(1, whole / part).toFixed(2)}x`;
  const rows = passes.map(({ name, files, bytes, newBytes, storedBytes, seconds }) => [
    name,
    String(files),
    megabytes(bytes),
    megabytes(newBytes),
    ratio(bytes, newBytes),
    newBytes === undefined ? '' : ratio(newBytes, storedBytes),
    seconds.toFixed(2),
    (bytes / 1e6 / seconds).toFixed(1),
  ]);
  const heading = ['pass', 'files', 'MB', 'new MB', 'dedup', 'compression', 'seconds', 'MB/s'];
  const widths = heading.map((title, column) =>
    Math.max(...[heading, ...rows].map((row) => row[column]?.length ?? title.length)),
  );
  for (const row of [heading, ...rows]) {
    const cells = row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
    );
    console.log(cells.join('  '));
  }
}

const root = dirname(import.meta.dirname);
const folder = mkdtempSync(join(tmpdir(), 'tranship-demo-'));
// Also when a second signal ends the process at once.
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const interrupt = new AbortController();
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.on(signal, () => {
    if (interrupt.signal.aborted) process.exit(code);
    process.exitCode = code;
    interrupt.abort();
  });
}

try {
  const source = process.argv[2] ?? join(root, 'node_modules');
  console.log(`moving a copy of ${source} through a repository in ${folder}`);
  printTable(await move(folder, source, interrupt.signal));
} catch (error) {
  console.error(`demo: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode ??= 1;
}
