import { ComputeManagementClient } from '@azure/arm-compute';
import { DiskError } from '../../../base/errors.ts';
import { TokenSource } from '../../azure/identity.ts';
import { ConnectionAgents } from '../../objects/connection-agents.ts';
import type { ConnectionWarnings } from '../../objects/connection-warnings.ts';
import type { AzureDiskSettings } from '../settings.ts';
import { resolveAccess } from './access.ts';
import type { AzureDiskAccess } from './access.ts';

/** The SDK's clients, one for each subscription that was asked about, and as whom they speak. */
export interface AzureDiskClient {
  readonly access: AzureDiskAccess;
  readonly tokens: TokenSource;
  /** For a subscription; default that of the credentials. */
  readonly of: (subscription?: string) => ComputeManagementClient;
  /** Ends its connections. */
  readonly close: () => void;
}

/** The SDK's clients as the driver needs them: they try once, and no token leaves Azure's management. */
export async function createClient(
  settings: AzureDiskSettings,
  warnings: ConnectionWarnings,
): Promise<AzureDiskClient> {
  const access = await resolveAccess(settings);
  if (settings.insecureTls === true) warnings.uncheckedCertificate(access.endpoint);
  const { caCertificates, proxy } = settings;
  const agents = await ConnectionAgents.open(settings);
  // Who gives out tokens is never one whose certificate nobody checks: what is sent to it is an identity.
  const tokenAgents = await ConnectionAgents.open({ caCertificates, proxy });
  const tokens = await TokenSource.create(access.credentials, access, tokenAgents);
  const clients = new Map<string, ComputeManagementClient>();
  return {
    access,
    tokens,
    of: (subscription = access.subscription) => {
      const client = clients.get(subscription) ?? sdkClient(subscription, access, { tokens, agents });
      clients.set(subscription, client);
      return client;
    },
    close: () => {
      agents.close();
      tokenAgents.close();
    },
  };
}

function sdkClient(
  subscription: string,
  { endpoint, scope }: AzureDiskAccess,
  { tokens, agents }: { readonly tokens: TokenSource; readonly agents: ConnectionAgents },
): ComputeManagementClient {
  return new ComputeManagementClient(tokens, subscription, {
    endpoint,
    credentials: { scopes: [scope] },
    // In place of the proxy that the SDK would find in the environment.
    agent: agents.for(new URL(endpoint)),
    // Every attempt is ours: ours are counted, shown and bounded.
    retryOptions: { maxRetries: 0 },
    redirectOptions: { maxRetries: 0 },
    additionalPolicies: [
      {
        position: 'perCall',
        policy: {
          name: 'transhipOwnHost',
          sendRequest: async (request, next) => {
            refuseForeign(new URL(request.url), new URL(endpoint));
            return next(request);
          },
        },
      },
    ],
  });
}

/** The next page of a listing is where the last one says; it may be at one region's own host. */
function refuseForeign(url: URL, endpoint: URL): void {
  const isOwn = url.hostname === endpoint.hostname || url.hostname.endsWith(`.${endpoint.hostname}`);
  if (isOwn && url.protocol === endpoint.protocol && url.port === endpoint.port) return;
  throw new DiskError('unsupported', 'an answer leads to another host', {
    where: url.origin,
    advice: `check the endpoint ${endpoint.origin}: tokens are sent to no other`,
  });
}
