import { createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { StoreError, asError } from '../../base/errors.ts';
import { field, objectOf, parseJson, textOf } from './json-value.ts';
import { GOOGLE_UNIVERSE } from './universe.ts';

/** What a credentials file of Google's says, as far as it takes part in getting a token. */
export type GoogleCredentials = InUniverse & (ServiceAccountKey | AuthorizedUser | ExternalAccount);

export type ServiceAccount = InUniverse & ServiceAccountKey;

interface InUniverse {
  /** The domain below which the services stand that take its tokens. */
  readonly universeDomain: string;
}

interface ServiceAccountKey {
  readonly type: 'service_account';
  readonly clientEmail: string;
  readonly privateKey: string;
  readonly privateKeyId: string;
  readonly tokenUri: string;
  /** Empty where the file does not say it. */
  readonly projectId: string;
}

interface AuthorizedUser {
  readonly type: 'authorized_user';
  readonly clientId: string;
  readonly clientSecret: string;
  readonly refreshToken: string;
  readonly quotaProject: string;
}

interface ExternalAccount {
  readonly type: 'external_account';
  readonly audience: string;
  readonly subjectTokenType: string;
  readonly tokenUrl: string;
  readonly impersonationUrl: string;
  readonly source: TokenSource;
}

/** Where the other provider's token is: in a file or at a URL, one of which is empty. */
export interface TokenSource {
  readonly file: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The field of JSON that is the token; empty where all of the text is. */
  readonly fieldName: string;
}

/** Reads a file of one of three kinds; throws a StoreError that names file and field, never a value. */
export async function readCredentialsFile(path: string): Promise<GoogleCredentials> {
  return parseCredentials(await readText(path), path);
}

/** As {@link readCredentialsFile}, for a text that `where` names. */
export function parseCredentials(text: string, where: string): GoogleCredentials {
  const file = new CredentialsFile(where, parseJson(text));
  const type = file.text('type');
  const universeDomain = file.optional('universe_domain') || GOOGLE_UNIVERSE;
  switch (type) {
    case 'service_account':
      return {
        type,
        universeDomain,
        clientEmail: file.text('client_email'),
        privateKey: file.privateKey('private_key'),
        privateKeyId: file.optional('private_key_id'),
        tokenUri: file.url('token_uri'),
        projectId: file.optional('project_id'),
      };
    case 'authorized_user':
      return {
        type,
        universeDomain,
        clientId: file.text('client_id'),
        clientSecret: file.text('client_secret'),
        refreshToken: file.text('refresh_token'),
        quotaProject: file.optional('quota_project_id'),
      };
    case 'external_account':
      return {
        type,
        universeDomain,
        audience: file.text('audience'),
        subjectTokenType: file.text('subject_token_type'),
        tokenUrl: file.url('token_url'),
        impersonationUrl: file.optional('service_account_impersonation_url'),
        source: file.tokenSource('credential_source'),
      };
    default:
      throw file.wrong(
        'is of a kind that is not read from here',
        'set GOOGLE_APPLICATION_CREDENTIALS to it instead',
      );
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const code = 'code' in asError(cause) ? ` (${String(field(cause, 'code'))})` : '';
    throw new StoreError('unauthenticated', `the credentials file cannot be read${code}`, {
      where: path,
      advice: 'check that it exists and that you may read it',
      cause,
    });
  }
}

class CredentialsFile {
  readonly #path: string;
  readonly #content: unknown;

  constructor(path: string, content: unknown) {
    this.#path = path;
    this.#content = content;
    if (typeof content !== 'object' || content === null) throw this.wrong('holds no JSON object');
  }

  wrong(what: string, advice = 'get it from the console or gcloud again'): StoreError {
    return new StoreError('unauthenticated', `the credentials file ${what}`, { where: this.#path, advice });
  }

  optional(name: string): string {
    return textOf(field(this.#content, name));
  }

  text(name: string): string {
    const text = this.optional(name);
    if (text === '') throw this.wrong(`lacks ${name}`);
    return text;
  }

  url(name: string): string {
    const url = this.text(name);
    if (!/^https?:\/\//.test(url) || !URL.canParse(url)) throw this.wrong(`has a ${name} that is no URL`);
    return url;
  }

  privateKey(name: string): string {
    const key = this.text(name);
    try {
      createPrivateKey(key);
    } catch {
      // What the library says of a broken key need not be kept apart from the key.
      throw this.wrong(`has a ${name} that is no whole private key in PEM`);
    }
    return key;
  }

  tokenSource(name: string): TokenSource {
    const source = field(this.#content, name);
    const [file, url] = [textOf(field(source, 'file')), textOf(field(source, 'url'))];
    if ((file === '') === (url === '')) {
      throw this.wrong(
        `has a ${name} that is neither a file nor a url`,
        'set GOOGLE_APPLICATION_CREDENTIALS to it instead',
      );
    }
    const format = field(source, 'format');
    const isJson = textOf(field(format, 'type')) === 'json';
    const fieldName = textOf(field(format, 'subject_token_field_name'));
    if (isJson && fieldName === '') throw this.wrong(`lacks ${name}.format.subject_token_field_name`);
    const headers = Object.entries(objectOf(field(source, 'headers')));
    return {
      file,
      url,
      headers: Object.fromEntries(headers.map(([header, value]) => [header, textOf(value)])),
      fieldName: isJson ? fieldName : '',
    };
  }
}
