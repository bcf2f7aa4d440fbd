import { readFile } from 'node:fs/promises';
import { FileSystemError, UsageError } from '../base/errors.ts';

export interface LocationSources {
  /** True for the repository that is copied from, whose options begin with `from-`. Default false. */
  readonly isSource?: boolean | undefined;
  readonly repository?: string | undefined;
  readonly repositoryFile?: string | undefined;
  readonly environment: {
    readonly repository: string | undefined;
    readonly repositoryFile: string | undefined;
  };
}

/** Where the repository is: from an option, or from the environment. */
export async function repositoryLocation(sources: LocationSources): Promise<string> {
  const { repository, repositoryFile, environment, isSource = false } = sources;
  const from = isSource ? 'from-' : '';
  if (repository !== undefined && repositoryFile !== undefined) {
    throw new UsageError(`--${from}repository and --${from}repository-file exclude each other`);
  }
  if (repository !== undefined) return repository;
  if (repositoryFile !== undefined) return locationFromFile(repositoryFile);
  if (environment.repository !== undefined) return environment.repository;
  if (environment.repositoryFile !== undefined) return locationFromFile(environment.repositoryFile);
  if (isSource) {
    const advice = 'use --from-repository LOCATION or TRANSHIP_FROM_REPOSITORY';
    throw new UsageError('no source repository was given', { advice });
  }
  throw new UsageError('no repository was given', { advice: 'use -r LOCATION or TRANSHIP_REPOSITORY' });
}

/** Where a store is: the one operand, or what the environment says of the repository. */
export async function storeLocation(
  operands: readonly string[],
  environment: LocationSources['environment'],
): Promise<string> {
  const [location, ...more] = operands;
  if (more.length > 0) throw new UsageError('too many arguments', { where: more.join(' ') });
  return repositoryLocation({ repository: location, environment });
}

async function locationFromFile(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (cause) {
    throw new FileSystemError('io', 'cannot read the repository file', {
      where: path,
      advice: 'check that it exists and that you may read it',
      cause,
    });
  }
}
