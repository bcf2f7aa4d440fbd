import type { Compressor } from '../compression/compressor.ts';
import type { RepositoryVersion } from './config.ts';
import { corrupt } from './strict-json.ts';

/** First plaintext byte of a version-2 index, snapshot or lock whose JSON is compressed. */
export const compressedMark = 0x02;

const openingBrace = 0x7b;
const openingBracket = 0x5b;

/** The plaintext of an index, snapshot or lock file with this JSON: compressed in version 2, as it is in version 1. */
export function encodeUnpacked(
  json: Uint8Array,
  version: RepositoryVersion,
  compressor: Pick<Compressor, 'compress'>,
  level = 3,
): Uint8Array {
  if (version === 1) return json;
  return Buffer.concat([Buffer.of(compressedMark), compressor.compress(json, level)]);
}

/**
 * The JSON in the plaintext of an index, snapshot or lock file: compressed or not, whatever the version, since restic
 * takes both. Throws RepositoryError `corrupt` when the plaintext is neither or its JSON exceeds `limitBytes`.
 */
export function decodeUnpacked(
  plaintext: Uint8Array,
  compressor: Pick<Compressor, 'decompress'>,
  limitBytes: number,
  where: string,
): Uint8Array {
  const first = plaintext[0];
  if (first === compressedMark) return decompress(plaintext.subarray(1), compressor, limitBytes, where);
  if (first !== undefined && first !== openingBrace && first !== openingBracket) {
    throw corrupt('file holds neither JSON nor compressed JSON', where);
  }
  if (plaintext.length > limitBytes) throw corrupt(`file holds more than ${limitBytes} bytes`, where);
  return plaintext;
}

function decompress(
  frames: Uint8Array,
  compressor: Pick<Compressor, 'decompress'>,
  limitBytes: number,
  where: string,
): Uint8Array {
  try {
    return compressor.decompress(frames, limitBytes);
  } catch (error) {
    throw corrupt(`file is not zstd data of at most ${limitBytes} bytes`, where, error);
  }
}
