import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { StdioOptions } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Output } from '../../src/cli/output.ts';
import { HandMade, fileNode, folderNode, rawNode } from '../copy/hand-made.ts';
import { initQuickly } from '../support/quick-repository.ts';
import { PEER_PASSWORD } from '../support/restic.ts';
import { createRandom } from '../support/seed.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { launcher, shell, transhipEnvironment, tranship } from '../support/tranship.ts';

const folderLevels = 12;
const foldersEach = 10;

/** A tree of some kilobytes that unfolds to 10^12 folders, each with what `leaf` says. */
function endlessTree(made: HandMade, leaf: readonly string[]): string {
  let tree = made.tree(leaf);
  for (let level = 0; level < folderLevels; level++) {
    const subtree = tree;
    const folders = Array.from({ length: foldersEach }, (_, i) => folderNode(String(i), subtree));
    tree = made.tree([...folders, ...leaf]);
  }
  return tree;
}

describe('standard output', () => {
  const cleanups: (() => void)[] = [];
  const folder = temporaryFolder({ after: (work: () => void) => void cleanups.push(work) });
  const [endless, silent, large] = [join(folder, 'endless'), join(folder, 'silent'), join(folder, 'large')];
  const env = (repository: string): Record<string, string> => ({
    TRANSHIP_REPOSITORY: repository,
    TRANSHIP_PASSWORD: PEER_PASSWORD,
  });
  const locks = (repository: string): string[] => {
    const path = join(repository, 'locks');
    return existsSync(path) ? readdirSync(path) : [];
  };

  before(async () => {
    for (const [location, leaf] of [
      [endless, []],
      // An archive cannot hold it: nothing is written for it.
      [silent, [rawNode('socket', 'socket')]],
    ] as const) {
      const repository = await initQuickly(location);
      const made = new HandMade(repository);
      await made.save(endlessTree(made, leaf));
      await repository.store.close();
    }
    const repository = await initQuickly(large);
    const made = new HandMade(repository);
    const contents = createRandom(5).bytes(400_000);
    await made.save(made.tree([fileNode('file', [made.data(contents)], contents.length)]));
    await repository.store.close();
  });

  after(() => {
    for (const cleanup of cleanups) cleanup();
  });

  /** Starts a command, gives it a signal once it is at work, and tells how it ended; SIGKILL where it did not. */
  async function interrupted(
    repository: string,
    args: readonly string[],
    stdout: number | 'pipe',
  ): Promise<{ ended: number | NodeJS.Signals | null; stderr: string }> {
    const stdio: StdioOptions = ['ignore', stdout, 'pipe'];
    const child = spawn(process.execPath, [launcher, ...args], {
      env: transhipEnvironment(env(repository)),
      stdio,
    });
    const exited = new Promise<number | NodeJS.Signals | null>((resolve) => {
      child.on('exit', (code, killedBy) => resolve(code ?? killedBy));
    });
    const told = child.stderr === null ? '' : text(child.stderr);
    while (child.exitCode === null && locks(repository).length === 0) await delay(20);
    await delay(500);
    child.kill('SIGTERM');
    const killing = setTimeout(() => child.kill('SIGKILL'), 20_000);
    const ended = await exited;
    clearTimeout(killing);
    child.stdout?.destroy();
    return { ended, stderr: await told };
  }

  it('a full disk took a part of what was printed, and the command had done its work', async () => {
    const { code, stderr } = await shell('ulimit -f 1; tranship completion bash > part', {
      cwd: folder,
      // The limit is on all files that are written.
      env: { NODE_DISABLE_COMPILE_CACHE: '1' },
    });
    assert.match(stderr, /^tranship: .*EFBIG/m);
    assert.equal(code, 1);
    assert.equal(readFileSync(join(folder, 'part')).length, 1024);
  });

  it('a file gets all of it', async () => {
    const { code, stderr } = await shell(
      'tranship dump latest /file > whole; tranship dump latest /file | cmp - whole; tranship help >> whole',
      { cwd: folder, env: env(large) },
    );
    assert.deepEqual([code, stderr], [0, '']);
    const help = await tranship(['help']);
    assert.ok(readFileSync(join(folder, 'whole'), 'utf8').endsWith(help.stdout));
  });

  it('ls and dump into a file or /dev/null heard no signal but SIGKILL', async () => {
    mkdirSync(join(folder, 'out'));
    const cases = [
      ['/dev/null', endless, 'ls', 'latest'],
      ['/dev/null', endless, 'dump', 'latest', '/'],
      ['/dev/null', silent, 'dump', 'latest', '/'],
      [join(folder, 'out', 'file'), endless, 'ls', 'latest', '--long'],
    ] as const;
    for (const [path, repository, ...args] of cases) {
      const fd = openSync(path, 'w');
      try {
        const { ended, stderr } = await interrupted(repository, args, fd);
        assert.equal(ended, 143, `${args.join(' ')} > ${path}`);
        assert.match(stderr, /^tranship: interrupted$/m);
        assert.deepEqual(locks(repository), []);
      } finally {
        closeSync(fd);
      }
    }
  });

  it('a command whose reader had stopped reading only ended at a second signal', async () => {
    // Nobody reads the pipe, which holds less than the file.
    const { ended, stderr } = await interrupted(large, ['dump', 'latest', '/file'], 'pipe');
    assert.equal(ended, 143);
    assert.match(stderr, /^tranship: interrupted$/m);
    assert.deepEqual(locks(large), []);
  });

  it('a reader that always kept up kept signals and timers from being heard', async () => {
    const stdout = new Writable({ write: (_bytes, _encoding, taken) => taken() });
    const { stderr } = process;
    const output = new Output({
      stdout,
      stderr,
      json: false,
      quiet: false,
      verbosity: 0,
      colour: false,
      onClosed: () => {},
    });
    let isHeard = false;
    setImmediate(() => (isHeard = true));
    const endMs = performance.now() + 5000;
    while (!isHeard && performance.now() < endMs) {
      output.raw('line');
      await output.drained();
    }
    assert.ok(isHeard);
  });
});
