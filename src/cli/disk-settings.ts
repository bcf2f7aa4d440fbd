import type { DiskDriver, DiskProvider } from '../providers/disks/driver.ts';
import { openDisks } from '../providers/disks/open.ts';
import type { DiskSettings } from '../providers/disks/settings.ts';
import type { Arguments } from './arguments.ts';
import type { CommandContext } from './command.ts';
import type { storeOptions } from './common-options.ts';
import type { diskCloudOptions } from './disk-options.ts';
import { storeSettings } from './store-settings.ts';

export const diskProviders: readonly DiskProvider[] = ['aws', 'azure', 'gcp'];

/** Opens the disks of a cloud, as options and environment say, runs the work, and closes them. */
export async function withDisks<T>(
  provider: DiskProvider,
  region: string | undefined,
  args: Arguments<typeof storeOptions & typeof diskCloudOptions>,
  context: CommandContext,
  work: (driver: DiskDriver) => Promise<T>,
): Promise<T> {
  const { logger, signal } = context;
  const settings = await diskSettings(provider, args, context);
  const { variable } = context.environment;
  const ofEnvironment =
    provider === 'aws' ? (variable('AWS_REGION') ?? variable('AWS_DEFAULT_REGION')) : undefined;
  const driver = await openDisks(provider, { region: region ?? ofEnvironment, settings, logger, signal });
  try {
    return await work(driver);
  } finally {
    await driver.close();
  }
}

async function diskSettings(
  provider: DiskProvider,
  args: Arguments<typeof storeOptions & typeof diskCloudOptions>,
  { environment }: CommandContext,
): Promise<DiskSettings> {
  // A cloud is reached as its stores are: what is read here depends on it being beyond this machine.
  const store = await storeSettings('s3://disks', args, environment);
  const { allowHttp, caCertificates, insecureTls, proxy, idleTimeoutMs, profile } = store.s3 ?? {};
  const connection = { allowHttp, caCertificates, insecureTls, proxy, idleTimeoutMs };
  const credentialsFile = args.value('credentials-file');
  const endpoint = args.value('disk-endpoint');
  switch (provider) {
    case 'aws': {
      const aws = environment.variable;
      const common = aws('AWS_ENDPOINT_URL');
      return {
        aws: {
          ...connection,
          profile,
          credentialsFile,
          endpoint: endpoint ?? aws('AWS_ENDPOINT_URL_EC2') ?? common,
          kmsEndpoint: endpoint ?? aws('AWS_ENDPOINT_URL_KMS') ?? common,
          stsEndpoint: endpoint ?? aws('AWS_ENDPOINT_URL_STS') ?? common,
          instanceMetadata: store.s3?.instanceMetadata,
        },
      };
    }
    case 'gcp':
      return {
        gcp: {
          ...connection,
          credentialsFile,
          googleAccessToken: credentialsFile === undefined ? environment.gcsAccessToken : undefined,
          project: args.value('account'),
          endpoint,
        },
      };
    case 'azure':
      return {
        azure: {
          ...connection,
          credentialsFile,
          environment: environment.azure,
          subscriptionId: args.value('account'),
          endpoint,
        },
      };
  }
}
