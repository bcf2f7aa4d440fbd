import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { chunkerOf, decodeConfig, encodeConfig, withChunker } from '../../../src/repository/format/config.ts';
import { throwsCode } from '../../support/error-code.ts';
import { sha256 } from './tree-arbitrary.ts';

const id = sha256('repository');
const text = `{"version":2,"id":"${id}","chunker_polynomial":"3da3358b4dc173"}`;

function refuse(code: 'corrupt' | 'unsupported', json: string): void {
  throwsCode(code, () => decodeConfig(Buffer.from(json), 'config'), 'config');
}

describe('a config', () => {
  it('is the JSON that restic writes', () => {
    const config = decodeConfig(Buffer.from(text), 'config');
    assert.deepEqual(config, { version: 2, id, chunkerPolynomial: 0x3d_a335_8b4d_c173n, extra: undefined });
    assert.equal(encodeConfig(config).toString(), text);
    assert.equal(chunkerOf(config, 'config'), 'rabin');
  });

  it('keeps the members of other tools', () => {
    const rustic = text.replace(
      '}',
      ',"is_hot":true,"compression":7,"__proto__":{"x":1},"tranship":{"chunker":"fastcdc"}}',
    );
    const config = decodeConfig(Buffer.from(rustic), 'config');
    assert.equal(encodeConfig(config).toString(), rustic);
    assert.equal(chunkerOf(config, 'config'), 'fastcdc');
    assert.equal('x' in {}, false);
  });

  it('takes the chunker beside what stands there', () => {
    const extra = withChunker({ is_hot: true, tranship: { other: 1 } }, 'fastcdc');
    assert.deepEqual(extra, { is_hot: true, tranship: { other: 1, chunker: 'fastcdc' } });
    assert.equal(chunkerOf({ extra: withChunker(undefined, 'fastcdc') }, 'config'), 'fastcdc');
  });

  it('of version 1 is read', () => {
    assert.equal(decodeConfig(Buffer.from(text.replace('2', '1')), 'config').version, 1);
  });

  for (const version of ['0', '3', '999', '-1', '1e300']) {
    it(`of version ${version} is unsupported, whatever else it holds`, () => {
      refuse('unsupported', text.replace('"version":2', `"version":${version}`));
      refuse('unsupported', `{"version":${version}}`);
    });
  }

  it('with a chunker of a later version is unsupported', () => {
    refuse('unsupported', text.replace('}', ',"tranship":{"chunker":"future"}}'));
  });

  const corrupted: Readonly<Record<string, string>> = {
    nothing: '',
    'truncated text': text.slice(0, -3),
    'an array': '[]',
    'no version': text.replace('"version":2,', ''),
    'a version that is text': text.replace('"version":2', '"version":"2"'),
    'an infinite version': text.replace('"version":2', '"version":1e999'),
    'a short id': text.replace(id, id.slice(1)),
    'no polynomial': `{"version":2,"id":"${id}"}`,
    'polynomial 0': text.replace('3da3358b4dc173', '0'),
    'an empty polynomial': text.replace('3da3358b4dc173', ''),
    'a polynomial of degree 52': text.replace('3da3358b4dc173', '1da3358b4dc173'),
    'a polynomial of degree 54': text.replace('3da3358b4dc173', '7da3358b4dc173'),
    'a huge polynomial': text.replace('3da3358b4dc173', 'f'.repeat(100_000)),
    'a polynomial that is no hex': text.replace('3da3358b4dc173', '0x3da3358b4dc173'),
    'a polynomial that is a number': text.replace('"3da3358b4dc173"', '7'),
    'tranship that is no object': text.replace('}', ',"tranship":7}'),
    'members in the prototype': `{"__proto__":${text}}`,
    'a member of great depth': text.replace('}', `,"x":${'['.repeat(1e5)}${']'.repeat(1e5)}}`),
  };
  for (const [what, json] of Object.entries(corrupted)) {
    it(`is refused with ${what}`, () => refuse('corrupt', json));
  }

  it('is not written with what readers would refuse', () => {
    const config = decodeConfig(Buffer.from(text), 'config');
    throwsCode('invalid-argument', () => encodeConfig({ ...config, chunkerPolynomial: 0n }));
    throwsCode('invalid-argument', () => encodeConfig({ ...config, id: 'x' }));
  });
});
