import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { parseArguments } from '../../src/cli/arguments.ts';
import { commandOutput } from '../../src/cli/command-output.ts';
import { streamSource, streamSourceOptions } from '../../src/cli/stream-source.ts';
import type { StageStream } from '../../src/copy/stage.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { message, testPassword, tranship } from '../support/tranship.ts';
import type { TranshipResult } from '../support/tranship.ts';

describe('the output of a command', () => {
  const printed = async (...command: readonly [string, ...string[]]): Promise<string> => {
    const [program, ...args] = command;
    const pieces: Uint8Array[] = [];
    for await (const piece of commandOutput(program, args)) pieces.push(piece);
    return Buffer.concat(pieces).toString();
  };

  it('is all it prints, and fails when it fails, which only its end tells', async () => {
    assert.equal(await printed('sh', '-c', 'echo a; cat; echo b'), 'a\nb\n');
    await assert.rejects(printed('sh', '-c', 'echo a; exit 3'), { code: 'io', message: /exit 3: sh / });
    await assert.rejects(printed('sh', '-c', 'kill $$'), { code: 'io', message: /SIGTERM/ });
    await assert.rejects(printed('/no/such program'), {
      code: 'io',
      message: /cannot be started: \/no\/such/,
    });
  });

  /** Leaves the output of a shell's command after its first piece, and waits for the command's end. */
  async function left(t: TestContext, script: string): Promise<void> {
    const file = join(temporaryFolder(t), 'pid');
    const pieces = commandOutput('sh', ['-c', `echo $$ > ${file}; ${script}`]);
    for await (const piece of pieces) {
      assert.equal(Buffer.from(piece).toString(), 'a\n');
      break;
    }
    const pid = Number(readFileSync(file, 'utf8'));
    const stat = `/proc/${pid}/stat`;
    const isRunning = (): boolean => existsSync(stat) && !/\) Z /.test(readFileSync(stat, 'utf8'));
    for (let i = 0; i < 500 && isRunning(); i++) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.equal(isRunning(), false);
  }

  it('ends the command when nobody reads on', (t) => left(t, 'echo a; exec sleep 100'));

  it('a command that ignores SIGTERM was waited for without end', (t) =>
    left(t, 'trap "" TERM; echo a; while :; do sleep 0.1; done'));

  it('is not asked for before somebody reads', () => {
    assert.doesNotThrow(() => commandOutput('/no/such/program', []));
  });
});

describe('the options of a stream', () => {
  const source = (...argv: readonly string[]): StageStream | undefined =>
    streamSource(parseArguments(argv, streamSourceOptions));

  it('give it a name', () => {
    assert.equal(source('/a', '/b'), undefined);
    assert.equal(source('--stdin')?.name, 'stdin');
    assert.equal(source('--stdin', '--stdin-filename', 'a/b.sql')?.name, 'a/b.sql');
    assert.equal(source('--stdin-from-command', '--', 'ls', '-l')?.name, 'stdin');
  });

  it('that contradict each other are refused', () => {
    assert.throws(() => source('--stdin', '/a'), /no path is staged/);
    assert.throws(() => source('--stdin', '--stdin-from-command', 'ls'), /exclude each other/);
    assert.throws(() => source('--stdin-from-command'), /command is missing/);
    assert.throws(() => source('--stdin-filename', 'x', '/a'), /--stdin-filename names/);
  });
});

describe('stage', () => {
  const cleanups: (() => void)[] = [];
  const folder = temporaryFolder({ after: (work: () => void) => void cleanups.push(work) });
  const repository = join(folder, 'repository');
  const run = (args: readonly string[], input?: string): Promise<TranshipResult> =>
    tranship(args, { env: { TRANSHIP_REPOSITORY: repository }, ...(input === undefined ? {} : { input }) });
  const snapshots = (): number => readdirSync(join(repository, 'snapshots')).length;

  before(async () => void (await run(['init'])));
  after(() => {
    for (const cleanup of cleanups) cleanup();
  });

  it('--stdin stores what comes', async () => {
    const staged = await run(['stage', '--stdin', '--stdin-filename', 'db/dump.sql', '--json'], 'the dump\n');
    assert.equal(staged.stderr, '');
    assert.equal(message(staged.stdout, 'summary')['total_bytes_processed'], 9);
    const target = join(folder, 'target');
    const restored = await run(['restore', 'latest', '--target', target, '-q']);
    assert.deepEqual([restored.code, restored.stderr], [0, '']);
    assert.equal(readFileSync(join(target, 'db', 'dump.sql'), 'utf8'), 'the dump\n');
  });

  it('the password command took the beginning of the stream, and the snapshot lacked it', async () => {
    const command = `sh -c 'head -c 4 > /dev/null; echo ${testPassword}'`;
    const staged = await tranship(['stage', '--stdin', '--json', '--password-command', command], {
      env: { TRANSHIP_REPOSITORY: repository, TRANSHIP_PASSWORD: undefined },
      input: 'the dump\n',
    });
    assert.deepEqual([staged.code, staged.stderr], [0, '']);
    assert.equal(message(staged.stdout, 'summary')['total_bytes_processed'], 9);
  });

  it('--stdin-from-command stores no snapshot of a command that fails', async () => {
    const stored = await run(['stage', '-q', '--stdin-from-command', '--', 'echo', '--json']);
    assert.deepEqual([stored.code, stored.stderr], [0, '']);
    const known = snapshots();
    const failed = await run([
      'stage',
      '--stdin-from-command',
      '--',
      'sh',
      '-c',
      'echo x; echo why >&2; exit 3',
    ]);
    assert.equal(failed.code, 1);
    assert.equal(failed.stderr, 'why\ntranship: the command failed, exit 3: sh (no snapshot was written)\n');
    const empty = await run(['stage', '--stdin']);
    assert.equal(empty.code, 1);
    assert.match(empty.stderr, /the stream ended without a byte: stdin/);
    const listed = await run(['stage', '--stdin', '--files-from', '/dev/null']);
    assert.deepEqual([listed.code, snapshots()], [2, known]);
    assert.equal(listed.stderr, 'tranship: --files-from has no effect on a stream\n');
    assert.deepEqual(readdirSync(join(repository, 'locks')), []);
  });

  it('a stream takes no option that would have no effect', async () => {
    const known = snapshots();
    const cases = [['--exclude', 'x'], ['--exclude-caches'], ['-x'], ['--force'], ['--ignore-inode']];
    const results = await Promise.all(cases.map((more) => run(['stage', '--stdin', ...more], 'contents')));
    assert.deepEqual(
      results.map(({ code, stderr }) => `${code} ${stderr}`),
      ['exclude', 'exclude-caches', 'one-file-system', 'force', 'ignore-inode'].map(
        (name) => `2 tranship: --${name} has no effect on a stream\n`,
      ),
    );
    assert.equal(snapshots(), known);
  });

  it('--time takes what find takes', async () => {
    const staged = await run(['stage', '--stdin', '-q', '--time', '2026-01-31 23:59'], 'contents');
    assert.deepEqual([staged.code, staged.stderr], [0, '']);
    const wrong = await run(['stage', '--stdin', '--time', '2026-02-30'], 'contents');
    assert.match(wrong.stderr, /^tranship: --time is no time: "2026-02-30" \(write [^\n]*\n$/);
  });

  it('a stream is left when the pass is interrupted', async () => {
    const known = snapshots();
    const argv = ['stage', '--json', '--stdin-from-command', '--', 'sh', '-c', 'echo a; exec sleep 100'];
    const stopped = await tranship(argv, {
      env: { TRANSHIP_REPOSITORY: repository },
      onStdout: (_, child) => child.kill('SIGTERM'),
    });
    assert.deepEqual([stopped.code, message(stopped.stderr, 'exit_error')['message']], [143, 'interrupted']);
    assert.deepEqual([snapshots(), readdirSync(join(repository, 'locks'))], [known, []]);
  });

  it('--image stores a device’s or file’s bytes, restore and verify take them back', async () => {
    const [source, target] = [join(folder, 'source.img'), join(folder, 'target.img')];
    writeFileSync(source, Buffer.alloc(100_000, 'image'));
    const staged = await run(['stage', '--image', source, '--as', '/disk.img', '-q']);
    assert.deepEqual([staged.code, staged.stderr], [0, '']);
    const restored = await run(['restore', 'latest:/disk.img', '--image', '-t', target, '--verify', '-q']);
    assert.deepEqual([restored.code, restored.stderr], [0, '']);
    writeFileSync(target, 'other');
    const differs = await run(['verify', 'latest:/disk.img', '--image', '-t', target]);
    assert.equal(differs.code, 1);
    assert.match(differs.stdout + differs.stderr, /size: expected 100000 bytes, found 5 bytes/);
    const refused = await run(['stage', '--image', folder]);
    assert.deepEqual([refused.code, refused.stderr.split('\n').length], [1, 2]);
    const failed = await run(['restore', 'latest:/disk.img', '--image', '-t', folder, '--verify']);
    assert.deepEqual([failed.code, failed.stdout], [1, ''], 'nothing is said to be restored');
    assert.match(failed.stderr, /^tranship: a folder is no place for an image: .*\(name a file in it\)\n$/);
    const unnamed = await run(['verify', 'latest', '-t', '']);
    assert.deepEqual([unnamed.code, unnamed.stdout], [2, '']);
    assert.match(unnamed.stderr, /^tranship: the name of the target is empty [^\n]*\n$/);
  });
});
