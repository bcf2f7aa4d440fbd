import type { ServerSideEncryption, StorageClass } from '@aws-sdk/client-s3';
import { readFile } from 'node:fs/promises';
import type { Clock } from '../../../base/clock.ts';
import { StoreError, UsageError } from '../../../base/errors.ts';
import type { PutOptions } from '../driver.ts';
import type { S3Settings } from '../settings.ts';

const CUSTOMER_KEY_BYTES = 32;
const DAY_MS = 24 * 60 * 60_000;
const MAX_DAYS = 36_500;
const MAX_TAGS = 10;

/** A key with which the server encrypts and decrypts one object, and which it forgets (SSE-C). */
export interface CustomerKey {
  readonly SSECustomerAlgorithm?: 'AES256';
  /** In base64. */
  readonly SSECustomerKey?: string;
}

/** What a put says beside its key and its bytes. */
export interface PutHeaders extends CustomerKey {
  readonly ServerSideEncryption?: ServerSideEncryption;
  readonly SSEKMSKeyId?: string;
  readonly StorageClass?: StorageClass;
  readonly Tagging?: string;
  readonly ObjectLockMode?: 'GOVERNANCE' | 'COMPLIANCE';
  readonly ObjectLockRetainUntilDate?: Date;
}

/** What an answer to a put says of encryption. */
interface Encrypted {
  readonly ServerSideEncryption?: string | undefined;
  readonly SSECustomerAlgorithm?: string | undefined;
}

/** What the settings add to requests for objects: encryption, storage class, tags, retention. */
export class ObjectHeaders {
  readonly #settings: S3Settings;
  readonly #locks: string;
  readonly #clock: Clock;
  #customerKey: Promise<CustomerKey> | undefined;

  /** `prefix` is the store's in its bucket. Throws UsageError for settings that cannot be carried out. */
  constructor(settings: S3Settings, prefix: string, clock: Clock) {
    checkEncryption(settings);
    checkStorage(settings);
    this.#settings = settings;
    this.#locks = prefix === '' ? 'locks/' : `${prefix}/locks/`;
    this.#clock = clock;
  }

  /** Puts with a retention must carry an MD5: Amazon wants it so, and every server knows it. */
  get wantsMd5(): boolean {
    return this.#settings.objectLock !== undefined;
  }

  /** Of a put, or of the beginning of one in parts. Rejects with UsageError where the customer's key cannot be read. */
  async forPut(key: string, { holdsContents = false }: PutOptions): Promise<PutHeaders> {
    const { serverSideEncryption, kmsKeyId, storageClass, tags, objectLock } = this.#settings;
    const isLocked = objectLock !== undefined && !key.startsWith(this.#locks);
    return {
      ...(await this.forRead()),
      ...(serverSideEncryption === undefined ? {} : { ServerSideEncryption: serverSideEncryption }),
      ...(kmsKeyId === undefined ? {} : { SSEKMSKeyId: kmsKeyId }),
      ...(storageClass === undefined || !holdsContents ? {} : { StorageClass: classOf(storageClass) }),
      ...(tags === undefined ? {} : { Tagging: tagText(tags) }),
      ...(isLocked ? retention(objectLock, this.#clock.nowMs()) : {}),
    };
  }

  /** Of a get, a head, and each part of a put. Rejects as `forPut`. */
  async forRead(): Promise<CustomerKey> {
    const { customerKey, customerKeyFile } = this.#settings;
    if (customerKey !== undefined) return customerKeyOf(customerKey, 'the customer’s key in the settings');
    if (customerKeyFile === undefined) return {};
    this.#customerKey ??= readCustomerKey(customerKeyFile);
    return this.#customerKey;
  }

  /** The error of a put, with what may be the matter where a server says no more than that the request is wrong. */
  explained(error: unknown): unknown {
    const { serverSideEncryption, kmsKeyId, storageClass, tags, objectLock } = this.#settings;
    const given = { serverSideEncryption, kmsKeyId, storageClass, tags, objectLock };
    const names = Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [name]));
    if (!(error instanceof StoreError) || error.code !== 'invalid-argument' || names.length === 0)
      return error;
    const lock = objectLock === undefined ? '' : '; Object Lock needs a bucket that was made with it';
    return new StoreError(error.code, error.what, {
      ...(error.where === undefined ? {} : { where: error.where }),
      advice: error.advice ?? `the server may not take ${names.join(', ')}${lock}`,
      cause: error.cause,
    });
  }

  /** Throws StoreError `unsupported` where the server has not encrypted what it was told to: some ignore the wish. */
  confirmEncryption(answer: Encrypted, where: string): void {
    const { serverSideEncryption, customerKey, customerKeyFile } = this.#settings;
    const hasCustomerKey = customerKey !== undefined || customerKeyFile !== undefined;
    const isConfirmed =
      (serverSideEncryption === undefined || answer.ServerSideEncryption === serverSideEncryption) &&
      (!hasCustomerKey || answer.SSECustomerAlgorithm === 'AES256');
    if (isConfirmed) return;
    throw new StoreError('unsupported', 'the server took an object without encrypting it as it was told to', {
      where,
      advice: 'leave out the server-side encryption: what is stored is encrypted anyway',
    });
  }
}

/** Not as URLSearchParams writes it: Ceph takes a plus sign for one. */
function tagText(tags: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(tags).map((pair) => pair.map(encodeURIComponent).join('='));
  return pairs.join('&');
}

function retention({ mode, days }: NonNullable<S3Settings['objectLock']>, nowMs: number) {
  return { ObjectLockMode: mode, ObjectLockRetainUntilDate: new Date(nowMs + days * DAY_MS) };
}

async function readCustomerKey(path: string): Promise<CustomerKey> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new UsageError('the file with the customer’s key cannot be read', { where: path, cause });
  });
  return customerKeyOf(bytes, path);
}

function customerKeyOf(bytes: Uint8Array, where: string): CustomerKey {
  if (bytes.byteLength !== CUSTOMER_KEY_BYTES) {
    throw new UsageError(`a customer’s key has ${CUSTOMER_KEY_BYTES} bytes, not ${bytes.byteLength}`, {
      where,
      advice: 'make one with: head -c 32 /dev/urandom',
    });
  }
  return { SSECustomerAlgorithm: 'AES256', SSECustomerKey: Buffer.from(bytes).toString('base64') };
}

function checkEncryption({ serverSideEncryption, kmsKeyId, customerKey, customerKeyFile }: S3Settings): void {
  if (serverSideEncryption !== undefined && !['AES256', 'aws:kms'].includes(serverSideEncryption)) {
    throw wrong('serverSideEncryption must be AES256 or aws:kms', serverSideEncryption);
  }
  if (kmsKeyId !== undefined && serverSideEncryption !== 'aws:kms') {
    throw wrong('a KMS key needs serverSideEncryption aws:kms', kmsKeyId);
  }
  const hasCustomerKey = customerKey !== undefined || customerKeyFile !== undefined;
  if (hasCustomerKey && serverSideEncryption !== undefined) {
    throw wrong('a customer’s key excludes serverSideEncryption', serverSideEncryption);
  }
}

function checkStorage({ storageClass, tags, objectLock }: S3Settings): void {
  if (storageClass !== undefined && !isClass(storageClass)) throw wrong('not a storage class', storageClass);
  if (tags !== undefined && Object.keys(tags).length > MAX_TAGS) {
    throw wrong(`an object has at most ${MAX_TAGS} tags`, String(Object.keys(tags).length));
  }
  if (objectLock === undefined) return;
  const { mode, days } = objectLock;
  if (mode !== 'GOVERNANCE' && mode !== 'COMPLIANCE') {
    throw wrong('the mode of Object Lock must be GOVERNANCE or COMPLIANCE', String(mode));
  }
  if (!Number.isInteger(days) || days < 1 || days > MAX_DAYS) {
    throw wrong(`the days of Object Lock must be a whole number from 1 to ${MAX_DAYS}`, String(days));
  }
}

/** Servers have classes of their own, which the SDK's type does not know. */
function isClass(text: string): text is StorageClass {
  return /^[A-Za-z0-9_-]{1,64}$/.test(text);
}

function classOf(text: string): StorageClass {
  if (isClass(text)) return text;
  throw wrong('not a storage class', text);
}

function wrong(what: string, where: string): UsageError {
  return new UsageError(what, { where });
}
