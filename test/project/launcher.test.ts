import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { projectRoot } from '../support/project-files.ts';

/** A stand-in for the command line: says where it runs, and ends as it is told. */
const standIn = (place: string): string => `
export async function main(argv) {
  if (argv[0] === 'throw') throw new Error('broken inside');
  if (argv[0] === 'wait') {
    process.on('SIGTERM', () => process.exit(33));
    console.log('waiting');
    await new Promise((resolve) => setTimeout(resolve, 60_000));
  }
  if (argv[0] === 'die') process.kill(process.pid, 'SIGKILL');
  console.log(JSON.stringify({
    place: ${JSON.stringify(place)}, argv, flags: process.execArgv, marked: 'TRANSHIP_STARTED_AGAIN' in process.env,
  }));
  return Number(argv[0] ?? 0);
}
`;

/** Makes a process believe that it is an older Node. */
const pretend = (version: string): string =>
  `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } });`;

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

function end(child: ReturnType<typeof spawn>): Promise<Ended> {
  return new Promise((resolve, reject) => {
    let [stdout, stderr] = ['', ''];
    child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

describe('bin/tranship', () => {
  let folder = '';

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tranship-launcher-'));
    cpSync(join(projectRoot, 'bin'), join(folder, 'bin'), { recursive: true });
    put('package.json', '{ "type": "module" }');
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  function put(path: string, text: string): void {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }

  function clone(): void {
    put('src/cli/main.ts', standIn('src'));
    mkdirSync(join(folder, 'node_modules', '.bin'), { recursive: true });
  }

  /** Starts the launcher; with `version` the first process believes to be that Node. */
  function start(args: readonly string[], version?: string): ReturnType<typeof spawn> {
    put('version.cjs', pretend(version ?? ''));
    const flags = version === undefined ? [] : ['--require', join(folder, 'version.cjs')];
    return spawn(process.execPath, [...flags, join(folder, 'bin', 'tranship'), ...args]);
  }

  function run(args: readonly string[], version?: string): Promise<Ended> {
    return end(start(args, version));
  }

  it('runs the sources of a clone, passes arguments and the exit code', async () => {
    clone();
    put('dist/cli/main.js', standIn('dist'));
    const { code, stdout } = await run(['3', '--flag', 'a b']);
    assert.deepEqual(JSON.parse(stdout), {
      place: 'src',
      argv: ['3', '--flag', 'a b'],
      flags: [],
      marked: false,
    });
    assert.equal(code, 3);
  });

  it('runs the build of an installed package', async () => {
    put('dist/cli/main.js', standIn('dist'));
    const { code, stdout } = await run(['0']);
    assert.match(stdout, /"place":"dist"/);
    assert.equal(code, 0);
  });

  it('is found through a link, as npm makes one', async () => {
    put('dist/cli/main.js', standIn('dist'));
    symlinkSync('bin/tranship', join(folder, 'linked'));
    const { stdout } = await end(spawn(process.execPath, [join(folder, 'linked'), '0']));
    assert.match(stdout, /"place":"dist"/);
  });

  it('an installed package on an old Node says which one it needs', async () => {
    put('dist/cli/main.js', standIn('dist'));
    const { code, stderr } = await run([], '20.20.2');
    assert.equal(code, 2);
    assert.match(stderr, /^tranship: needs Node 22\.15 or newer, this is Node 20\.20\.2[^\n]*\n$/);
  });

  it('a clone on an old Node starts its pinned one', async () => {
    clone();
    symlinkSync(process.execPath, join(folder, 'node_modules', '.bin', 'node'));
    const { code, stdout } = await run(['7', 'x'], '20.20.2');
    assert.deepEqual(JSON.parse(stdout), { place: 'src', argv: ['7', 'x'], flags: [], marked: false });
    assert.equal(code, 7);
  });

  it('a clone on an old Node without the pinned one names the set-up', async () => {
    clone();
    const { code, stderr } = await run([], '20.20.2');
    assert.equal(code, 2);
    assert.match(stderr, /npm run setup/);
  });

  it('a clone without its dependencies names the set-up', async () => {
    put('src/cli/main.ts', standIn('src'));
    const { code, stderr } = await run([]);
    assert.equal(code, 2);
    assert.match(stderr, /npm run setup/);
  });

  it('a clone on Node 22.15 asks for type stripping', async () => {
    clone();
    const { code, stdout } = await run(['0'], '22.15.1');
    assert.match(stdout, /"flags":\[.*"--experimental-strip-types"\]/);
    assert.equal(code, 0);
  });

  it('passes signals on and ends as the other process ends', async () => {
    clone();
    symlinkSync(process.execPath, join(folder, 'node_modules', '.bin', 'node'));
    const waiting = start(['wait'], '20.20.2');
    waiting.stdout?.once('data', () => waiting.kill('SIGTERM'));
    assert.equal((await end(waiting)).code, 33);
    assert.equal((await run(['die'], '20.20.2')).signal, 'SIGKILL');
  });

  it('a defect that reaches the launcher ends with 1', async () => {
    clone();
    const { code, stderr } = await run(['throw']);
    assert.equal(code, 1);
    assert.match(stderr, /broken inside/);
  });
});
