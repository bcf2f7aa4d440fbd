import { UsageError } from '../../base/errors.ts';
import { ConnectionAgents } from '../objects/connection-agents.ts';
import type { ConnectionSettings } from '../objects/settings.ts';
import { GOOGLE_UNIVERSE } from './universe.ts';

/** Who requests come from. */
export interface GoogleIdentity {
  /** What shows it to the server; a token is got or renewed first where that is needed. */
  headers(): Promise<Readonly<Record<string, string>>>;
  /** The project that the credentials name; undefined where they name none. */
  project(): Promise<string | undefined>;
  /** Ends the connections that tokens came by. */
  close(): void;
}

/** The part of a service's settings that says whose requests they are. */
export interface GoogleIdentitySettings extends Pick<ConnectionSettings, 'caCertificates' | 'proxy'> {
  readonly credentialsFile?: string | undefined;
  readonly credentialsText?: string | undefined;
  readonly accessToken?: string | undefined;
  /** As `accessToken`, where that is missing, and for Google's own hosts only. */
  readonly googleAccessToken?: string | undefined;
  /** Default: Google's. */
  readonly universeDomain?: string | undefined;
}

export interface GoogleIdentityOptions {
  /** True where requests go to hosts of the settings' universe. */
  readonly isInUniverse: boolean;
  readonly timeoutMs: number;
  /** What tokens are asked for, as URLs of OAuth. */
  readonly scopes: readonly string[];
}

const anonymous: GoogleIdentity = {
  headers: () => Promise.resolve({}),
  project: () => Promise.resolve(undefined),
  close: () => undefined,
};

/**
 * The identity that the settings name: the credentials' text or file, then the access token; else application default
 * credentials, as Google's libraries find them. Those go to hosts of the universe that they are of; any other endpoint
 * gets only what the settings name, since an emulator needs none and must not learn a token that opens the cloud.
 * Nothing tells what universe `googleAccessToken` is of, so that no host gets it but Google's own.
 */
export async function createIdentity(
  settings: GoogleIdentitySettings,
  { isInUniverse, timeoutMs, scopes }: GoogleIdentityOptions,
): Promise<GoogleIdentity> {
  const { credentialsFile, credentialsText, googleAccessToken, caCertificates, proxy, universeDomain } =
    settings;
  const isGoogleUniverse = (universeDomain ?? GOOGLE_UNIVERSE) === GOOGLE_UNIVERSE;
  const accessToken =
    settings.accessToken ?? (isInUniverse && isGoogleUniverse ? googleAccessToken : undefined);
  // What gives out tokens is never one whose certificate nobody checks: what is sent to it is an identity.
  const way = async () => ({
    timeoutMs,
    scopes,
    universeDomain,
    agents: await ConnectionAgents.open({ caCertificates, proxy }),
  });
  if (credentialsText !== undefined) {
    const { identityFromText } = await import('./google-identity.ts');
    return identityFromText(credentialsText, await way());
  }
  if (credentialsFile !== undefined) {
    const { identityFromFile } = await import('./google-identity.ts');
    return identityFromFile(credentialsFile, await way());
  }
  if (accessToken !== undefined) return bearer(accessToken);
  if (!isInUniverse) return anonymous;
  const { defaultIdentity } = await import('./google-identity.ts');
  return defaultIdentity(await way());
}

function bearer(token: string): GoogleIdentity {
  // A header that cannot be sent would be refused with the token in the message.
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new UsageError('the access token holds white space or other characters that no token has', {
      where: 'GOOGLE_ACCESS_TOKEN',
    });
  }
  return { ...anonymous, headers: () => Promise.resolve({ authorization: `Bearer ${token}` }) };
}
