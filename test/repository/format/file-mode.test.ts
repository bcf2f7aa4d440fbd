import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { goModeOf, unixPermissionsOf } from '../../../src/repository/format/file-mode.ts';
import type { NodeType } from '../../../src/repository/format/tree-node.ts';

/** Type, st_mode and the mode that restic stored for it. */
const vectors: readonly (readonly [NodeType, number, number])[] = [
  ['file', 0o644, 420],
  ['file', 0o6755, 12_583_405],
  ['file', 0o4755, 8_389_101],
  ['dir', 0o755, 2_147_484_141],
  ['dir', 0o1777, 2_148_532_735],
  ['symlink', 0o777, 134_218_239],
  ['fifo', 0o644, 33_554_852],
  ['dev', 0o600, 67_109_248],
  ['chardev', 0o600, 69_206_400],
  ['socket', 0o755, 16_777_709],
  ['irregular', 0, 524_288],
];

describe('a Go file mode', () => {
  for (const [type, mode, expected] of vectors) {
    it(`of ${type} ${mode.toString(8)} is ${expected}`, () => {
      assert.equal(goModeOf(type, mode), expected);
      assert.equal(unixPermissionsOf(expected), mode);
    });
  }

  it('keeps all twelve permission bits of every type and drops the others of st_mode', () => {
    for (const [type] of vectors) {
      for (let mode = 0; mode <= 0o7777; mode++) {
        assert.equal(unixPermissionsOf(goModeOf(type, mode | 0o170_000)), mode);
      }
    }
  });
});
