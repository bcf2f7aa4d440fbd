import { UsageError } from '../../../base/errors.ts';
import { readParameters } from '../location-parameters.ts';
import { isValidKey } from '../object-key.ts';

/** A store that a file describes as Velero is told of it; holds no secret. */
export interface VeleroLocation {
  readonly kind: 'velero';
  /** Path of the YAML file; `-` for standard input. */
  readonly file: string;
  /** Which of several descriptions is meant, by the name in its metadata. */
  readonly name: string | undefined;
  /** What is meant below the prefix of the description, without slashes at its ends; empty for all of it. */
  readonly path: string;
  /** Path of a credentials file as the plug-in of the provider reads it. */
  readonly credentials: string | undefined;
}

const FORM = 'write velero:FILE?path=restic/NAMESPACE&name=NAME&credentials=FILE';
const PARAMETERS: ReadonlySet<string> = new Set(['path', 'name', 'credentials']);

/** Reads what follows `velero:` in a location. Throws UsageError. */
export function parseVeleroLocation(rest: string): VeleroLocation {
  const { path: file, parameters } = readParameters(rest, PARAMETERS, wrong);
  if (file === '') throw wrong('the location names no file');
  const path = (parameters.get('path') ?? '').replace(/^\/|\/$/g, '');
  if (path !== '' && !isValidKey(path)) throw wrong('not a path that object keys can have', 'path');
  return {
    kind: 'velero',
    file,
    path,
    name: parameters.get('name') ?? undefined,
    credentials: parameters.get('credentials') ?? undefined,
  };
}

function wrong(what: string, where = 'velero:'): UsageError {
  return new UsageError(what, { where, advice: FORM });
}
