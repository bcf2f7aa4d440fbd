import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { StoreSettings } from '../../src/providers/objects/settings.ts';
import { parseArguments } from '../../src/cli/arguments.ts';
import { sourceOptions, storeOptions } from '../../src/cli/common-options.ts';
import { takeEnvironment } from '../../src/cli/environment.ts';
import { sourceSettings, storeSettings } from '../../src/cli/store-settings.ts';

function settingsOf(...argv: readonly string[]): Promise<StoreSettings> {
  const args = parseArguments(argv, { ...storeOptions, ...sourceOptions });
  return sourceSettings('s3://bucket', args, takeEnvironment({}));
}

const target = ['--profile', 'near', '--credentials-file', 'near-file'];

describe('settings of the source', () => {
  it('a profile for the source keeps the credentials file of both, and a file the profile', async () => {
    const cases = [
      [[], 'near', 'near-file'],
      [['--from-profile', 'far'], 'far', 'near-file'],
      [['--from-credentials-file', 'far-file'], 'near', 'far-file'],
      [['--from-profile', 'far', '--from-credentials-file', 'far-file'], 'far', 'far-file'],
    ] as const;
    for (const [more, profile, file] of cases) {
      const { azureBlob, gcs, s3 } = await settingsOf(...target, ...more);
      assert.deepEqual([s3?.profile, s3?.credentialsFile], [profile, file]);
      assert.deepEqual([azureBlob?.credentialsFile, gcs?.credentialsFile], [file, file]);
    }
  });
});

describe('certificates that the environment names', () => {
  const settingsAt = (location: string): Promise<StoreSettings> =>
    storeSettings(location, parseArguments([], storeOptions), takeEnvironment({ AWS_CA_BUNDLE: '/missing' }));

  it('a file that is missing does not hinder a repository on this machine', async () => {
    assert.equal((await settingsAt('replica')).s3?.caCertificates, undefined);
    await assert.rejects(settingsAt('s3://bucket'), /cannot read the certificates/);
  });
});
