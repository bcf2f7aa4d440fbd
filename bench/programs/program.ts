import type { PassName } from '../passes.ts';

/** Where a repository is, as the store tells every program. */
export type Location =
  | { readonly kind: 'local'; readonly path: string }
  | {
      readonly kind: 's3';
      readonly endpoint: string;
      readonly bucket: string;
      readonly region: string;
      readonly accessKeyId: string;
      readonly secretAccessKey: string;
    };

/** What one turn of a program has to work with; all folders are absolute and on one file system. */
export interface Place {
  /** The tree to stage. */
  readonly data: string;
  readonly repository: Location;
  /** What passes restore into. */
  readonly target: string;
  /** For the program's settings and caches; empty at the beginning, removed after the turn. */
  readonly state: string;
}

export type Command = readonly [string, ...string[]];

export interface Step {
  readonly command: Command;
  /** The command itself writes what its work has cost to descriptor 3, as the meter does. Default: false. */
  readonly isSelfMetered?: boolean;
}

/** A program as the benches run it. Passes that it does not have are left out. */
export interface Program {
  readonly name: string;
  /** Options and all that a reader must know to believe the comparison. */
  readonly about: string;
  /** What it prints of its version. */
  readonly version: string;
  /** True for what marks the physical limit and keeps no snapshots. */
  readonly isLimit: boolean;
  readonly stores: readonly Location['kind'][];
  readonly env: (place: Place) => Readonly<Record<string, string>>;
  /** Makes the repository; not measured. */
  readonly init: (place: Place) => readonly Command[];
  /** What each pass runs; what several commands cost is added up. */
  readonly passes: (place: Place) => Readonly<Partial<Record<PassName, readonly Step[]>>>;
}

export const password = 'bench';

/** A pass of one command. */
export function run(...command: Command): readonly Step[] {
  return [{ command }];
}

/** The variables by which most programs take the credentials of S3. */
export function credentialsOf({ repository }: Place): Readonly<Record<string, string>> {
  if (repository.kind === 'local') return {};
  const { accessKeyId, secretAccessKey, region } = repository;
  return {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_DEFAULT_REGION: region,
    AWS_REGION: region,
  };
}
