import { RepositoryError } from '../../base/errors.ts';
import { toHex } from '../../base/hex.ts';
import type { ChunkerName } from '../chunker/chunker.ts';
import { jsonString, jsonValue } from './go-json.ts';
import { asObject, corrupt, isId, isObject, parseJson, requiredId, unknownMembers } from './strict-json.ts';
import type { JsonObject } from './strict-json.ts';

/** Version 2 allows compression; restic reads it from 0.14 on. */
export type RepositoryVersion = 1 | 2;

/** Contents of the config file. */
export interface Config {
  readonly version: RepositoryVersion;
  /** The repository's own random id, hex. */
  readonly id: string;
  /** Rabin polynomial over GF(2) of degree 53, bit i the coefficient of x^i; irreducible, which is not checked here. */
  readonly chunkerPolynomial: bigint;
  /** All other members (rustic's, and this program's own under `tranship`), handed on by a rewrite. */
  readonly extra?: JsonObject | undefined;
}

const polynomialDegree = 53n;
const knownKeys = new Set(['version', 'id', 'chunker_polynomial']);

/** The JSON of a config file, without a newline. Throws RepositoryError `invalid-argument`. */
export function encodeConfig(config: Config): Buffer {
  if (!isId(config.id) || !hasDegree(config.chunkerPolynomial)) {
    throw new RepositoryError('invalid-argument', 'config cannot be stored', { where: config.id });
  }
  const members = [
    `"version":${config.version}`,
    `"id":"${config.id}"`,
    `"chunker_polynomial":"${config.chunkerPolynomial.toString(16)}"`,
    ...Object.entries(config.extra ?? {}).map(([key, value]) => `${jsonString(key)}:${jsonValue(value)}`),
  ];
  return Buffer.from(`{${members.join(',')}}`);
}

/** Reads a config file's JSON. Throws RepositoryError `unsupported` on an unknown version, else `corrupt`. */
export function decodeConfig(bytes: Uint8Array, where: string): Config {
  const json = asObject(parseJson(bytes, 'config', where), 'config', where);
  const version = repositoryVersion(json['version'], where);
  const id = requiredId(json['id'], 'config id', where);
  const extra = unknownMembers(json, knownKeys, where);
  const config: Config = {
    version,
    id,
    chunkerPolynomial: polynomial(json['chunker_polynomial'], where),
    extra: Object.keys(extra).length === 0 ? undefined : extra,
  };
  chunkerOf(config, where);
  gearSeedOf(config, where);
  return config;
}

function repositoryVersion(value: unknown, where: string): RepositoryVersion {
  if (value === 1 || value === 2) return value;
  if (typeof value !== 'number' || !Number.isInteger(value)) throw corrupt('config has no version', where);
  throw new RepositoryError('unsupported', `repository version ${value} is unknown`, {
    where,
    advice: 'use the program that made the repository, or a newer version of this one',
  });
}

function polynomial(value: unknown, where: string): bigint {
  const isHex = typeof value === 'string' && /^[0-9a-fA-F]{1,16}$/.test(value);
  const number = isHex ? BigInt(`0x${value}`) : 0n;
  if (!hasDegree(number)) throw corrupt('config has no chunker polynomial of degree 53', where);
  return number;
}

function hasDegree(value: bigint): boolean {
  return value >> polynomialDegree === 1n;
}

/**
 * The chunker that the repository's files were cut with: `tranship.chunker`, or restic's own where that is absent.
 * Throws RepositoryError `unsupported` when it is one that this version does not know.
 */
export function chunkerOf(config: Pick<Config, 'extra'>, where: string): ChunkerName {
  const own = config.extra?.['tranship'];
  if (own === undefined) return 'rabin';
  const { chunker = 'rabin' } = asObject(own, 'config tranship', where);
  if (chunker === 'rabin' || chunker === 'fastcdc') return chunker;
  throw new RepositoryError('unsupported', 'config names an unknown chunker', {
    where,
    advice: 'use a newer version of this program',
  });
}

/**
 * The seed of the gear table where the repository was made to cut as another one: `tranship.gear_seed`, else undefined.
 * Throws RepositoryError `corrupt` when it is none.
 */
export function gearSeedOf(config: Pick<Config, 'extra'>, where: string): Uint8Array | undefined {
  const own = config.extra?.['tranship'];
  if (own === undefined) return undefined;
  const { gear_seed: seed } = asObject(own, 'config tranship', where);
  if (seed === undefined) return undefined;
  if (!isId(seed)) throw corrupt('config gear_seed is not 64 hex digits', where);
  return Uint8Array.from(Buffer.from(seed, 'hex'));
}

/** `extra` with the chunker set under `tranship`, for {@link chunkerOf} and {@link gearSeedOf} to find. */
export function withChunker(
  extra: JsonObject | undefined,
  chunker: ChunkerName,
  gearSeed?: Uint8Array,
): JsonObject {
  const own = extra?.['tranship'];
  const seed = gearSeed === undefined ? {} : { gear_seed: toHex(gearSeed) };
  return { ...extra, tranship: { ...(isObject(own) ? own : {}), chunker, ...seed } };
}
