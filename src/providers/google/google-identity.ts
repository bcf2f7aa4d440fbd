import { Compute, GoogleAuth, IdentityPoolClient, JWT, UserRefreshClient, gaxios } from 'google-auth-library';
import type { AuthClient } from 'google-auth-library';
import { StoreError } from '../../base/errors.ts';
import { orAborted } from '../../base/until-aborted.ts';
import type { ConnectionAgents } from '../objects/connection-agents.ts';
import { parseCredentials, readCredentialsFile } from './credentials-file.ts';
import type { GoogleCredentials, ServiceAccount, TokenSource } from './credentials-file.ts';
import type { GoogleIdentity } from './identity.ts';
import { identityError } from './identity-error.ts';
import { GOOGLE_UNIVERSE } from './universe.ts';

/** Where the library gets tokens of service accounts, whatever their file says. */
const TOKEN_URI = 'https://oauth2.googleapis.com/token';

/** How tokens come. */
export interface WayToTokens {
  readonly timeoutMs: number;
  readonly scopes: readonly string[];
  /** Of the store. Default: Google's. */
  readonly universeDomain?: string | undefined;
  readonly agents: ConnectionAgents;
}

/** Of a service account, a user or an account elsewhere; throws a StoreError that names file and field. */
export async function identityFromFile(path: string, way: WayToTokens): Promise<GoogleIdentity> {
  return identityWith(await readCredentialsFile(path), path, way);
}

/** As {@link identityFromFile}, of what such a file would hold. */
export function identityFromText(text: string, way: WayToTokens): GoogleIdentity {
  const where = 'the credentials in the settings';
  return identityWith(parseCredentials(text, where), where, way);
}

function identityWith(credentials: GoogleCredentials, where: string, way: WayToTokens): GoogleIdentity {
  checkUniverse(credentials.universeDomain, where, way.universeDomain);
  if (credentials.type === 'authorized_user') checkUserUniverse(credentials.universeDomain, where);
  const client = clientOf(credentials, createTransporter(way), [...way.scopes]);
  const project = credentials.type === 'service_account' ? credentials.projectId : '';
  return identityOf(
    () => Promise.resolve(client),
    where,
    way,
    () => Promise.resolve(project === '' ? undefined : project),
  );
}

/** GOOGLE_APPLICATION_CREDENTIALS, then what gcloud has left, then the metadata server of Google's machines. */
export function defaultIdentity(way: WayToTokens): GoogleIdentity {
  const transporter = createTransporter(way);
  const where = 'application default credentials';
  const auth = new GoogleAuth({ scopes: [...way.scopes], clientOptions: { transporter } });
  const universes = new WeakMap<AuthClient, string>();
  const clientFor = async (): Promise<AuthClient> => {
    const client = await auth.getClient();
    // A client of a machine's metadata server says that it is Google's, wherever the machine stands.
    const universeDomain =
      universes.get(client) ??
      (client instanceof Compute ? await machineUniverse(auth, way.timeoutMs) : client.universeDomain);
    universes.set(client, universeDomain);
    checkUniverse(universeDomain, where, way.universeDomain);
    if (client instanceof UserRefreshClient) checkUserUniverse(universeDomain, where);
    return client;
  };
  // The library fails where it finds none; whoever needs one says so.
  const project = () => auth.getProjectId().catch(() => undefined);
  return identityOf(clientFor, where, way, project);
}

function identityOf(
  clientFor: () => Promise<AuthClient>,
  where: string,
  { agents }: WayToTokens,
  project: () => Promise<string | undefined>,
): GoogleIdentity {
  return {
    project,
    close: () => agents.close(),
    headers: async () => {
      try {
        const headers = await (await clientFor()).getRequestHeaders();
        return Object.fromEntries(headers);
      } catch (error) {
        throw identityError(error, where);
      }
    },
  };
}

/** Tries once, since every attempt is ours; and a redirect must not carry what proves an identity elsewhere. */
function createTransporter({ timeoutMs, agents }: WayToTokens): gaxios.Gaxios {
  const retryConfig = { retry: 0, noResponseRetries: 0 };
  const agent = (url: URL) => agents.for(url);
  return new gaxios.Gaxios({ retryConfig, redirect: 'error', timeout: timeoutMs, agent });
}

/** As Google's own libraries do: a token of one universe opens nothing in another, which must not see it. */
function checkUniverse(universeDomain: string, where: string, wanted = GOOGLE_UNIVERSE): void {
  if (universeDomain === wanted) return;
  throw new StoreError(
    'unauthenticated',
    `the credentials are of ${universeDomain}, and the store of ${wanted}`,
    {
      where,
      advice: 'take others, or name the universe: -o gcs.universe-domain=DOMAIN',
    },
  );
}

/** A user's tokens are got from Google, whatever universe the file names: one elsewhere would be shown to it. */
function checkUserUniverse(universeDomain: string, where: string): void {
  if (universeDomain === GOOGLE_UNIVERSE) return;
  throw new StoreError('unauthenticated', `the credentials are of a user of ${universeDomain}`, {
    where,
    advice: 'take those of a service account or of workload identity federation there',
  });
}

/** The domain of the cloud that this machine is of, as its metadata server says. */
async function machineUniverse(auth: GoogleAuth, timeoutMs: number): Promise<string> {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    return await orAborted(auth.getUniverseDomainFromMetadataServer(), signal);
  } catch (cause) {
    if (!signal.aborted) throw cause;
    throw new StoreError('timeout', `the metadata server did not answer for ${timeoutMs / 1000} s`, {
      where: 'the universe of this machine',
      retryable: true,
      cause,
    });
  }
}

function clientOf(credentials: GoogleCredentials, transporter: gaxios.Gaxios, scopes: string[]): AuthClient {
  switch (credentials.type) {
    case 'service_account':
      // Elsewhere than at Google a service account signs its tokens itself.
      if (credentials.universeDomain !== GOOGLE_UNIVERSE)
        return new JWT(accountOf(credentials, transporter, scopes));
      redirectTokens(transporter, credentials.tokenUri);
      return new JWT({
        ...accountOf(credentials, transporter, scopes),
        additionalClaims: { aud: credentials.tokenUri },
      });
    case 'authorized_user':
      return new UserRefreshClient({
        clientId: credentials.clientId,
        clientSecret: credentials.clientSecret,
        refreshToken: credentials.refreshToken,
        ...(credentials.quotaProject === '' ? {} : { quotaProjectId: credentials.quotaProject }),
        universeDomain: credentials.universeDomain,
        transporter,
      });
    case 'external_account':
      return new IdentityPoolClient({
        type: credentials.type,
        audience: credentials.audience,
        subject_token_type: credentials.subjectTokenType,
        token_url: credentials.tokenUrl,
        credential_source: sourceOf(credentials.source),
        ...(credentials.impersonationUrl === ''
          ? {}
          : { service_account_impersonation_url: credentials.impersonationUrl }),
        scopes,
        universe_domain: credentials.universeDomain,
        transporter,
      });
  }
}

function accountOf(
  { clientEmail, privateKey, privateKeyId, universeDomain }: ServiceAccount,
  transporter: gaxios.Gaxios,
  scopes: string[],
) {
  return {
    email: clientEmail,
    key: privateKey,
    keyId: privateKeyId,
    scopes,
    universeDomain,
    transporter,
  };
}

function sourceOf({ file, url, headers, fieldName }: TokenSource) {
  const place = file === '' ? { url, headers } : { file };
  if (fieldName === '') return place;
  return { ...place, format: { type: 'json' as const, subject_token_field_name: fieldName } };
}

/** The library's address of tokens is fixed; other libraries of Google's go where the file says. */
function redirectTokens(transporter: gaxios.Gaxios, tokenUri: string): void {
  transporter.interceptors.request.add({
    resolved: (request) => {
      if (request.url.href === TOKEN_URI) request.url = new URL(tokenUri);
      return Promise.resolve(request);
    },
  });
}
