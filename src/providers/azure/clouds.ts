import { UsageError } from '../../base/errors.ts';

/** One of Microsoft's clouds, which have nothing in common but their programs. */
export interface AzureCloud {
  /** What follows `ACCOUNT.blob.` in the host of an account. */
  readonly endpointSuffix: string;
  /** Where resources such as disks are managed; tokens for it are asked by this name, too. */
  readonly managementEndpoint: string;
  /** Who issues tokens. */
  readonly authorityHost: string;
}

const publicCloud: AzureCloud = {
  endpointSuffix: 'core.windows.net',
  managementEndpoint: 'https://management.azure.com',
  authorityHost: 'https://login.microsoftonline.com',
};
const china: AzureCloud = {
  endpointSuffix: 'core.chinacloudapi.cn',
  managementEndpoint: 'https://management.chinacloudapi.cn',
  authorityHost: 'https://login.chinacloudapi.cn',
};
const usGovernment: AzureCloud = {
  endpointSuffix: 'core.usgovcloudapi.net',
  managementEndpoint: 'https://management.usgovcloudapi.net',
  authorityHost: 'https://login.microsoftonline.us',
};

/** By the names that AZURE_CLOUD_NAME has in Velero's files, in small letters. */
const clouds: ReadonlyMap<string, AzureCloud> = new Map([
  ['azurecloud', publicCloud],
  ['azurepubliccloud', publicCloud],
  ['azurechinacloud', china],
  ['azureusgovernment', usGovernment],
  ['azureusgovernmentcloud', usGovernment],
]);

/** The cloud of that name, in any case; the public one for none. `where` says where the name stands. */
export function cloudNamed(name: string | undefined, where: string): AzureCloud {
  const cloud = name === undefined ? publicCloud : clouds.get(name.toLowerCase());
  if (cloud !== undefined) return cloud;
  throw new UsageError('no cloud has this name', {
    where,
    advice: 'the names are AzurePublicCloud, AzureUSGovernmentCloud and AzureChinaCloud',
  });
}
