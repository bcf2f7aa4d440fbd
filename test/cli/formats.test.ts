import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseByteRate } from '../../src/cli/byte-rate.ts';
import { formatBytes, formatDedup, formatRate, formatRatio } from '../../src/cli/byte-size.ts';
import { formatDuration, parseDurationMs } from '../../src/cli/duration.ts';
import { fileModeText } from '../../src/cli/file-mode-text.ts';
import { progressText, remainingMs, statusMessage } from '../../src/cli/reports/progress.ts';
import { tagAlternatives, tagList } from '../../src/cli/tags.ts';
import { textTable } from '../../src/cli/text-table.ts';
import { goModeOf } from '../../src/repository/format/file-mode.ts';

describe('sizes', () => {
  it('are printed as restic prints them', () => {
    assert.deepEqual([0, 1023, 1024, 1_572_864, 2 ** 40].map(formatBytes), [
      '0 B',
      '1023 B',
      '1.000 KiB',
      '1.500 MiB',
      '1.000 TiB',
    ]);
  });

  it('rates and ratios have no division by zero', () => {
    assert.equal(formatRate(2_000_000, 1000), '2.0 MB/s');
    assert.equal(formatRate(1, 0), '- MB/s');
    assert.equal(formatRatio(3, 2), '1.50x');
    assert.equal(formatRatio(3, 0), '-');
    assert.equal(formatDedup(6, 2000), '1.00x');
  });
});

describe('rates of a limit', () => {
  it('are KiB a second without a unit, as restic takes them, and none when 0', () => {
    const read = ['512', '10M', '1.5g', '64k', '0', '0M', 'unlimited'].map((text) =>
      parseByteRate(text, 'o'),
    );
    assert.deepEqual(read, [2 ** 19, 10 * 2 ** 20, 1.5 * 2 ** 30, 2 ** 16, Infinity, Infinity, Infinity]);
  });

  it('are read by the time of day', () => {
    assert.deepEqual(parseByteRate('08:00-18:30=10M, 22:00-06:00=unlimited', 'o'), [
      { fromMinute: 480, toMinute: 1110, bytesPerSecond: 10 * 2 ** 20 },
      { fromMinute: 1320, toMinute: 360, bytesPerSecond: Infinity },
    ]);
    assert.deepEqual(parseByteRate('00:00-24:00=1', 'o'), [
      { fromMinute: 0, toMinute: 1440, bytesPerSecond: 1024 },
    ]);
  });

  it('are refused in any other form', () => {
    const wrong = [
      '',
      '10X',
      '-1',
      '1e3',
      '8-18=1M',
      '08:00-18:00',
      '08:60-09:00=1',
      '24:01-25:00=1',
      '08:00-09:00=',
      '1M,2M',
    ];
    for (const text of wrong) assert.throws(() => parseByteRate(text, 'limit-upload'), /limit-upload/);
  });
});

describe('durations', () => {
  it('are printed as restic prints them', () => {
    assert.deepEqual([0, 7999, 61_000, 3_723_000].map(formatDuration), ['0:00', '0:07', '1:01', '1:02:03']);
  });

  it('are read', () => {
    assert.deepEqual(
      ['5m', '1h30m', '250ms', '1.5s', '0'].map(parseDurationMs),
      [300_000, 5_400_000, 250, 1500, 0],
    );
    for (const wrong of ['', '5', 'm', '5 m', '-5m', '5m!', 'h5']) {
      assert.throws(() => parseDurationMs(wrong), /not a duration/);
    }
  });
});

describe('modes', () => {
  it('are printed as Go prints them', () => {
    assert.equal(fileModeText(goModeOf('dir', 0o755)), 'drwxr-xr-x');
    assert.equal(fileModeText(goModeOf('file', 0o4754)), 'urwxr-xr--');
    assert.equal(fileModeText(goModeOf('dir', 0o1777)), 'dtrwxrwxrwx');
    assert.equal(fileModeText(goModeOf('symlink', 0o777)), 'Lrwxrwxrwx');
    assert.equal(fileModeText(goModeOf('chardev', 0o600)), 'Dcrw-------');
    assert.equal(fileModeText(goModeOf('file', 0)), '----------');
  });
});

describe('tags', () => {
  it('a comma separates tags; each filter is an alternative', () => {
    assert.deepEqual(tagList(['a,b', 'c', ' b ']), ['a', 'b', 'c']);
    assert.deepEqual(tagAlternatives(['a,b', 'c']), [['a', 'b'], ['c']]);
  });
});

describe('tables', () => {
  it('a row is as high as its highest cell', () => {
    assert.deepEqual(textTable(['A', 'Long'], [[['1'], ['x', 'yy']]], ['end']), [
      'A  Long',
      '-------',
      '1  x',
      '   yy',
      '-------',
      'end',
    ]);
  });
});

describe('progress', () => {
  const half = { elapsedMs: 10_000, files: 1, bytes: 50, errors: 0, totalFiles: 4, totalBytes: 100 };

  it('the time that is left follows from the bytes', () => {
    assert.equal(remainingMs(half), 10_000);
    assert.equal(remainingMs({ ...half, totalFiles: undefined, totalBytes: undefined }), undefined);
    assert.match(progressText(half), /^\[0:10\] 50\.0 % {2}1 \/ 4 files {2}50 B \/ 100 B .* 0:10 left$/);
  });

  it('a total that turned out too small is not exceeded', () => {
    assert.equal(remainingMs({ ...half, bytes: 500 }), 0);
  });

  it('the status message leaves out what is zero, but for the fraction', () => {
    assert.deepEqual(statusMessage({ elapsedMs: 0, files: 0, bytes: 0, errors: 0 }), {
      message_type: 'status',
      percent_done: 0,
    });
    assert.deepEqual(statusMessage(half), {
      message_type: 'status',
      seconds_elapsed: 10,
      seconds_remaining: 10,
      percent_done: 0.5,
      total_files: 4,
      files_done: 1,
      total_bytes: 100,
      bytes_done: 50,
    });
  });
});
