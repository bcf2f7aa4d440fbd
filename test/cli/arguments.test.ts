import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UsageError } from '../../src/base/errors.ts';
import { looseArguments, parseArguments, splitCommandName } from '../../src/cli/arguments.ts';

const table = {
  all: { kind: 'flag', short: 'a', help: 'a flag' },
  place: { kind: 'value', short: 'p', aliases: ['location'], placeholder: 'WHERE', help: 'a value' },
  tag: { kind: 'list', placeholder: 'TAG', help: 'a list' },
} as const;

function refused(argv: readonly string[], pattern: RegExp): void {
  assert.throws(
    () => parseArguments(argv, table),
    (error) => error instanceof UsageError && pattern.test(error.message),
  );
}

describe('arguments', () => {
  it('takes options and operands in any order, and everything after -- as operands', () => {
    const args = parseArguments(['x', '-a', '--tag=1', 'y', '--tag', '2', '--', '--all', '-'], table);
    assert.deepEqual(args.operands, ['x', 'y', '--all', '-']);
    assert.deepEqual(args.list('tag'), ['1', '2']);
    assert.equal(args.flag('all'), true);
    assert.equal(args.value('place'), undefined);
  });

  it('counts flags, also in one word', () => {
    assert.equal(parseArguments(['-aa', '--all'], table).count('all'), 3);
  });

  it('the last value counts, under whichever name', () => {
    assert.equal(parseArguments(['--place', 'x', '--location=y'], table).value('place'), 'y');
    assert.equal(parseArguments(['--location=y', '-px'], table).value('place'), 'x');
    assert.equal(parseArguments(['-p=x'], table).value('place'), 'x');
    assert.equal(parseArguments(['--place='], table).value('place'), '');
  });

  it('refuses what the table does not have', () => {
    refused(['--plac=x'], /unknown option: --plac$/);
    refused(['-z'], /unknown option: -z/);
    refused(['-az'], /unknown option: -z/);
    refused(['--toString'], /unknown option: --toString/);
    refused(['--all=yes'], /takes no value: --all/);
    refused(['--place'], /needs a value: --place/);
  });

  it('an option is no value of the option before it', () => {
    refused(['--place', '--all'], /needs a value: --place --all \(write --place=WHERE when/);
    assert.equal(parseArguments(['--place=--all'], table).value('place'), '--all');
    assert.equal(parseArguments(['--place', '-'], table).value('place'), '-');
  });

  it('choices and whole numbers are checked', () => {
    const args = parseArguments(['--place', '7'], table);
    assert.equal(args.integer('place', 1), 7);
    assert.equal(args.choice('place', ['6', '7']), '7');
    assert.throws(() => args.integer('place', 8), /from 8 on/);
    assert.throws(() => args.choice('place', ['off', 'on']), /one of: off, on/);
    assert.throws(() => parseArguments(['--place', '1.5'], table).integer('place', 1), UsageError);
  });

  it('the name of the command may stand behind options', () => {
    const { name, rest } = splitCommandName(['-p', 'x', 'stage', '-p', 'y', 'stage'], table);
    assert.equal(name, 'stage');
    assert.deepEqual(rest, ['-p', 'x', '-p', 'y', 'stage']);
    assert.equal(splitCommandName(['-a'], table).name, undefined);
  });

  it('how to print is known even when the rest is wrong', () => {
    const args = looseArguments(['stage', '--nonsense', '-na', '-p', '--all'], table);
    assert.equal(args.count('all'), 1);
  });
});
