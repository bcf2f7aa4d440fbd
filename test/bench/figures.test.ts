import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Figures, leastOf, ratio, spreadOf } from '../../bench/report/figures.ts';
import { sampleRun } from './sample-run.ts';

describe('figures', () => {
  it('are medians with their extremes', () => {
    assert.deepEqual(spreadOf([3, 1, 2]), { median: 2, least: 1, most: 3, count: 3 });
    assert.deepEqual(spreadOf([4, 1, 2, 9]), { median: 3, least: 1, most: 9, count: 4 });
    assert.deepEqual(spreadOf([5]), { median: 5, least: 5, most: 5, count: 1 });
  });

  it('have ratios only where both sides were measured', () => {
    assert.equal(ratio(1, 4), 0.25);
    assert.equal(ratio(undefined, 4), undefined);
    assert.equal(ratio(1, undefined), undefined);
    assert.equal(leastOf([undefined, 3, 2]), 2);
    assert.equal(leastOf([undefined]), undefined);
  });

  it('of a pass come from one run, the last that has it', () => {
    const earlier = sampleRun({
      'big local tranship first': 9,
      'big local restic first': 9,
      'one local restic first': 7,
    });
    const later = sampleRun({ 'big local tranship first': 2, 'one local restic restore': 1 });
    const figures = new Figures([earlier, later]);
    assert.equal(figures.wallMs('big', 'local', 'tranship', 'first'), 2000);
    assert.equal(figures.wallMs('big', 'local', 'restic', 'first'), undefined);
    assert.equal(figures.wallMs('one', 'local', 'restic', 'first'), 7000);
    assert.equal(figures.wallMs('one', 'local', 'restic', 'restore'), 1000);
    assert.deepEqual(figures.programsOf('one', 'local'), ['restic']);
  });

  it('leave out the derivation of the key, but not the start of the program', () => {
    const figures = new Figures([
      sampleRun({
        'wide local tranship start': 0.1,
        'wide local tranship open': 0.6,
        'wide local tranship unchanged': 2,
        'wide local restic unchanged': 4,
      }),
    ]);
    assert.equal(figures.wallWithoutKeyMs('wide', 'local', 'tranship', 'unchanged'), 1500);
    assert.equal(figures.wallWithoutKeyMs('wide', 'local', 'restic', 'unchanged'), undefined);
  });
});
