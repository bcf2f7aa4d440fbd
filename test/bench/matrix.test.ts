import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { runMatrix } from '../../bench/matrix.ts';
import { withNeeded } from '../../bench/passes.ts';
import type { Program } from '../../bench/programs/program.ts';
import { local } from '../../bench/stores/local.ts';
import { RunFile } from '../../bench/support/run-file.ts';
import type { Plan } from '../../bench/support/run-file.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const plan: Plan = {
  data: [{ name: 'few', scale: 1 }],
  stores: ['local'],
  programs: ['a', 'b', 'failing'],
  passes: ['first'],
  rounds: 2,
  countsTraffic: true,
};

function openFile(folder: string, engine = 'one'): RunFile {
  const about = { machine: '', commit: '', engine, plan, versions: {}, abouts: {}, skipped: {} };
  return RunFile.open(join(folder, 'results'), about);
}

/** Writes its name to a log, and fails where that is its name. */
function sample(name: string, log: string): Program {
  const script = `echo ${name} >> "$0"; test ${name} != failing`;
  return {
    name,
    about: '',
    version: '',
    isLimit: false,
    stores: ['local'],
    env: () => ({}),
    init: () => [],
    passes: () => ({ first: [{ command: ['sh', '-c', script, log] }] }),
  };
}

function optionsFor(folder: string) {
  const log = join(folder, 'log');
  return {
    folder: join(folder, 'bench'),
    programs: plan.programs.map((name) => sample(name, log)),
    stores: [local],
    deadlineMs: Infinity,
    say: () => undefined,
    turns: () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []),
  };
}

describe('the matrix', () => {
  it('goes on where an interrupted run was, and repeats nothing', async (t) => {
    const folder = temporaryFolder(t);
    const options = optionsFor(folder);
    const interrupt = (line: string): undefined => {
      if (line.startsWith('few local b 0')) throw new Error('interrupted');
    };
    await assert.rejects(runMatrix(openFile(folder), { ...options, say: interrupt }), /interrupted/);
    assert.deepEqual(options.turns(), ['a', 'b']);
    const file = openFile(folder);
    assert.equal(file.run.turns.length, 2);
    assert.equal(await runMatrix(file, options), true);
    // The second round begins with the second program.
    assert.deepEqual(options.turns(), ['a', 'b', 'failing', 'b', 'failing', 'a']);
    assert.deepEqual(
      file.run.measured.map(({ program, round }) => [program, round]),
      [
        ['a', 0],
        ['b', 0],
        ['b', 1],
        ['a', 1],
      ],
    );
    const failures = file.run.turns.filter(({ failure }) => failure !== undefined).map(({ turn }) => turn);
    assert.deepEqual(failures, ['few local failing 0', 'few local failing 1']);
  });

  it('begins no turn after its deadline', async (t) => {
    const folder = temporaryFolder(t);
    const options = optionsFor(folder);
    assert.equal(await runMatrix(openFile(folder), { ...options, deadlineMs: 0 }), false);
    assert.deepEqual(options.turns(), []);
  });

  it('begins anew after a run that is finished, and for another engine', async (t) => {
    const folder = temporaryFolder(t);
    const file = openFile(folder);
    file.add({ turn: 'few local a 0' }, []);
    assert.equal(openFile(folder, 'two').run.turns.length, 0);
    assert.equal(openFile(folder).run.turns.length, 1);
    file.finish();
    assert.equal(openFile(folder).run.turns.length, 0);
  });
});

describe('passes', () => {
  it('bring along what they need, in order', () => {
    assert.deepEqual(withNeeded(['restore-over']), ['first', 'restore', 'changed', 'restore-over']);
    assert.deepEqual(withNeeded(['unchanged', 'open']), ['open', 'first', 'unchanged']);
  });
});
