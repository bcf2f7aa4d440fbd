import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dataSets } from '../../bench/data/catalogue.ts';
import { Figures } from '../../bench/report/figures.ts';
import { goalsOf } from '../../bench/report/goals.ts';
import { fillPage, reportOf } from '../../bench/report/page.ts';
import { stores } from '../../bench/stores/catalogue.ts';
import { projectText } from '../support/project-files.ts';
import { sampleRun } from './sample-run.ts';

const seconds = {
  'big local tranship first': 2,
  'big local restic first': 10,
  'big local rustic first': 2.2,
  'big local kopia first': 5,
  'source local tranship first': 6,
  'source local restic first': 10,
};

function goal(what: string, against: string, run = sampleRun(seconds)) {
  const found = goalsOf(new Figures([run], { isFullSize: true })).find(
    (one) => one.what === what && one.against === against,
  );
  assert.ok(found !== undefined, what);
  return [found.reached, found.isMet];
}

describe('goals', () => {
  const best = 'the best of kopia and rustic';

  it('are met, missed, or not measured', () => {
    assert.deepEqual(goal('first, `big`, local, wall', 'restic'), ['0.20', true]);
    assert.deepEqual(goal('first, `big`, local, wall', best), ['0.91', false]);
    assert.deepEqual(goal('first, `source`, local, CPU', 'restic'), ['0.60', false]);
    assert.deepEqual(goal('first, `source`, local, wall', best), [undefined, undefined]);
    assert.deepEqual(goal('first, `one`, local, wall', 'restic'), [undefined, undefined]);
    assert.deepEqual(goal('peak memory, every pass', ''), ['100 MiB', true]);
  });

  it('are not measured by data sets below full size', () => {
    const run = sampleRun(seconds, { scale: 0.25 });
    assert.deepEqual(goal('first, `big`, local, wall', 'restic', run), [undefined, undefined]);
  });

  it('compare with what the network and the file system can do', () => {
    const run = sampleRun({
      'big s3 tranship first': 5,
      'big s3 sdk first': 4,
      'big s3 rclone first': 8,
      'small local tranship unchanged': 2,
      'small local tranship open': 0.6,
      'small local tranship start': 0.1,
      'small local find unchanged': 0.5,
    });
    assert.deepEqual(goal('first, `big`, s3, speed', 'the faster raw parallel PUT', run), ['80 %', true]);
    const unchanged = 'unchanged, `small`, local, wall without key';
    assert.deepEqual(goal(unchanged, '`find` and llistxattr', run), ['3.00', false]);
  });
});

describe('the report', () => {
  const report = reportOf([sampleRun(seconds)], dataSets, stores);

  it('has a place on the page for each part, and keeps what is written by hand', () => {
    const page = projectText('docs/performance.md');
    const filled = fillPage(page, report.parts);
    assert.match(filled, /\| first \| 2\.00 \[1\.80-2\.20\] \(0\.20\) \| 10\.00 \[9\.00-11\.00\] \|/);
    assert.match(filled, /abcdef, 2 x processor, Linux; 2 rounds; tranship 1\.2\.3, restic 1\.2\.3/);
    const byHand = (text: string): string => text.replaceAll(/<!-- generated [^]*?<!-- \/generated -->/g, '');
    assert.equal(byHand(filled), byHand(page));
    assert.equal(fillPage(filled, report.parts), filled);
    assert.throws(() => fillPage('# Page\n', report.parts), /no place for "run"/);
  });

  it('draws charts that are well-formed', () => {
    assert.deepEqual(
      report.charts.map(({ name }) => name),
      ['local', 'memory'],
    );
    for (const { name, svg } of report.charts) assertWellFormed(name, svg);
  });
});

/** Every tag is closed in order, attributes are quoted, and text has no bare `<` or `&`. */
function assertWellFormed(name: string, xml: string): void {
  const open: string[] = [];
  const tag = /<(\/?)([a-z]+)((?: [A-Za-z-]+\d?="[^"<&]*")*)(\/?)>/g;
  const rest = xml.replaceAll(tag, (_, closing: string, element: string, __: string, single: string) => {
    if (closing === '/') assert.equal(open.pop(), element, name);
    else if (single === '') open.push(element);
    return '';
  });
  assert.deepEqual(open, [], name);
  assert.doesNotMatch(rest, /<|&(?!(?:amp|lt|gt|quot);)/, name);
  assert.match(xml, /prefers-color-scheme:dark/);
}
