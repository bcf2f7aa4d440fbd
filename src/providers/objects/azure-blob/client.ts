import {
  AnonymousCredential,
  ContainerClient,
  StorageSharedKeyCredential,
  newPipeline,
} from '@azure/storage-blob';
import type { RequestPolicyFactory } from '@azure/storage-blob';
import type { Agent } from 'node:http';
import { StoreError } from '../../../base/errors.ts';
import { ConnectionAgents } from '../connection-agents.ts';
import type { ConnectionWarnings } from '../connection-warnings.ts';
import type { AzureBlobSettings } from '../settings.ts';
import { isWebPage } from '../web-page.ts';
import { resolveAccess } from './access.ts';
import type { AzureBlobAccess } from './access.ts';
import { answerOf } from './azure-error.ts';
import type { AzureAnswer } from './azure-error.ts';
import { TokenSource } from '../../azure/identity.ts';
import { formatAzureBlobLocation } from './location.ts';
import type { AzureBlobLocation } from './location.ts';

/** The SDK's client of one container, and as whom it speaks. */
export interface AzureBlobClient {
  readonly container: ContainerClient;
  readonly access: AzureBlobAccess;
  /** Undefined where no tokens are needed. */
  readonly tokens: TokenSource | undefined;
  /** Ends its connections. */
  readonly close: () => void;
}

/** The SDK's client as this store needs it: it tries once, and takes nothing for an answer that Azure never gives. */
export async function createClient(
  location: AzureBlobLocation,
  settings: AzureBlobSettings,
  warnings: ConnectionWarnings,
): Promise<AzureBlobClient> {
  const access = await resolveAccess(location, settings);
  const { credentials, endpoint } = access;
  const url = `${endpoint}/${location.container}`;
  warnings.openNetwork(new URL(endpoint), settings.allowHttp ?? false);
  if (settings.insecureTls === true) warnings.uncheckedCertificate(endpoint);
  const { caCertificates, proxy } = settings;
  const agents = await ConnectionAgents.open(settings);
  // Who gives out tokens is never one whose certificate nobody checks: what is sent to it is an identity.
  const tokenAgents = await ConnectionAgents.open({ caCertificates, proxy });
  const credential = await credentialFor(access, tokenAgents);
  const pipeline = newPipeline(credential, {
    // Every attempt is ours: ours are counted, shown and bounded.
    retryOptions: { maxTries: 1 },
  });
  pipeline.factories.push(guardAnswers(agents.for(new URL(endpoint)), formatAzureBlobLocation(location)));
  const query = credentials.kind === 'sas' ? `?${credentials.sas.replace(/^\?/, '')}` : '';
  const tokens = credential instanceof TokenSource ? credential : undefined;
  const close = (): void => {
    agents.close();
    tokenAgents.close();
  };
  return { container: new ContainerClient(url + query, pipeline), access, tokens, close };
}

async function credentialFor(access: AzureBlobAccess, agents: ConnectionAgents) {
  const { credentials, account } = access;
  if (credentials.kind === 'sas') return new AnonymousCredential();
  if (credentials.kind === 'account-key') {
    return new StorageSharedKeyCredential(account, credentials.accountKey);
  }
  return TokenSource.create(credentials, access, agents);
}

/** Sends over sockets of ours, and refuses what is not Azure's: behind a wrong endpoint anything may answer. */
function guardAnswers(agent: Agent, where: string): RequestPolicyFactory {
  return {
    create: (next) => ({
      sendRequest: async (request) => {
        // In place of the proxy that the SDK has found in the environment, where there is one.
        request.agent = agent;
        try {
          const answer = await next.sendRequest(request);
          const header = (name: string): string => answer.headers.get(name) ?? '';
          refuseForeign({ status: answer.status, name: '', message: '', header }, where);
          return answer;
        } catch (error) {
          const answer = answerOf(error);
          if (answer !== undefined) refuseForeign(answer, where, error);
          throw error;
        }
      },
    }),
  };
}

/** A gateway's refusals pass: they say what a server that is busy or down cannot say itself. */
function refuseForeign({ status, header }: AzureAnswer, where: string, cause?: unknown): void {
  if (header('x-ms-request-id') !== '') return;
  const details = { where, ...(cause === undefined ? {} : { cause }) };
  if (isWebPage(status, header('content-type'))) {
    throw new StoreError('unsupported', 'the endpoint answered with a web page, not as Azure Blob Storage', {
      ...details,
      advice: 'check host and port of the endpoint',
    });
  }
  if (status >= 300 && status < 400) {
    throw new StoreError('unsupported', 'the endpoint sends requests on to another place', {
      ...details,
      advice: 'name that place as the endpoint: credentials are not sent along',
    });
  }
  if (status >= 300) return;
  throw new StoreError('corrupt', 'the server’s answer lacks what Azure Blob Storage answers', {
    ...details,
    retryable: true,
  });
}
