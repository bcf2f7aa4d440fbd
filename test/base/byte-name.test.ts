import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NameArgument, printableName, terminated } from '../../src/base/byte-name.ts';

describe('NameArgument', () => {
  for (const name of ['', '.', '..', '/', 'a/b', '/a', 'a/', '..\0', 'a\0b']) {
    it(`refuses ${JSON.stringify(name)}`, () => {
      assert.throws(() => new NameArgument().set(Buffer.from(name)), { code: 'unsafe-path' });
    });
  }

  for (const name of ['a', '...', '.a', '..a', 'a.', '-', '\\..\\x', '\n', '\u202e']) {
    it(`takes ${JSON.stringify(name)}`, () => {
      const bytes = new NameArgument().set(Buffer.from(name));
      assert.equal(Buffer.from(bytes.subarray(0, bytes.indexOf(0))).toString(), name);
    });
  }

  it('leaves nothing of a longer name behind a shorter one', () => {
    const argument = new NameArgument();
    argument.set(Buffer.from('a long name'));
    assert.deepEqual([...argument.set(Buffer.from('ab')).subarray(0, 3)], [0x61, 0x62, 0]);
  });

  it('refuses a name beyond PATH_MAX as the kernel does', () => {
    assert.throws(() => new NameArgument().set(Buffer.alloc(4096, 'a')), { errno: 'ENAMETOOLONG' });
    assert.equal(new NameArgument().set(Buffer.alloc(4095, 'a'))[4095], 0);
  });
});

describe('printableName', () => {
  it('keeps UTF-8 and escapes what could forge output', () => {
    assert.equal(printableName(Buffer.from('grün\n\x1b[31m')), 'grün\\x0a\\x1b[31m');
    assert.equal(printableName(Buffer.from([0x61, 0xff, 0x0a])), 'a\\xff\\x0a');
  });
});

describe('terminated', () => {
  it('adds the NUL and refuses one inside', () => {
    assert.deepEqual([...terminated('ab')], [0x61, 0x62, 0]);
    assert.throws(() => terminated(Buffer.from('a\0b')), { code: 'unsafe-path' });
  });
});
