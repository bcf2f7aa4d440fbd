import { randomBytes } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { MAX_SEGMENT_LENGTH, TEMPORARY_MARK } from '../object-key.ts';

const RANDOM_HEX_LENGTH = 16;
/** What of the final name fits before the mark and the random digits. */
const MAX_STEM_LENGTH = MAX_SEGMENT_LENGTH - TEMPORARY_MARK.length - RANDOM_HEX_LENGTH;

/**
 * The path of a new temporary file in the folder of `finalPath`: `<final name>-tmp-<16 random hex digits>`.
 * No key can have such a name, and restic's temporary files are named in the same way.
 */
export function temporaryPath(finalPath: string): string {
  return beside(finalPath, randomBytes(RANDOM_HEX_LENGTH / 2).toString('hex'));
}

/** The path that writers of `finalPath` agree on where the file system itself cannot decide between them. */
export function claimPath(finalPath: string): string {
  return beside(finalPath, 'claim');
}

function beside(finalPath: string, ending: string): string {
  const stem = basename(finalPath).slice(0, MAX_STEM_LENGTH);
  return join(dirname(finalPath), `${stem}${TEMPORARY_MARK}${ending}`);
}

/** True for the name of an unfinished object, whoever began it. */
export function isTemporaryName(name: string): boolean {
  return name.includes(TEMPORARY_MARK);
}
