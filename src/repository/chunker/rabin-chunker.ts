import { RepositoryError } from '../../base/errors.ts';
import type { Chunker } from './chunker.ts';
import { chunkSizes } from './chunker.ts';
import { createChunkerKernels } from './chunker-kernels.ts';
import { firstTableAddress, hashWindowBytes, secondTableAddress, windowAddress } from './memory-layout.ts';
import { degree, modTable, outTable, polynomialDegree } from './polynomial.ts';
import { createWindowChunker } from './window-chunker.ts';

/** A cut stands where the digest ends in this many zero bits: one place in 1 MiB, so chunks of 1.5 MiB on average. */
const cutBits = 20;

/**
 * restic's chunker, cut for cut. `polynomial` must be the repository's and irreducible (whoever reads the config
 * checks that).
 * Throws RepositoryError `unsupported` when its degree is not 53, which restic never draws.
 */
export function createRabinChunker(polynomial: bigint, windowBytes?: number): Chunker {
  if (degree(polynomial) !== polynomialDegree) {
    throw new RepositoryError('unsupported', `chunker polynomial of degree ${degree(polynomial)}`, {
      where: 'config',
      advice: `only degree ${polynomialDegree} is supported`,
    });
  }
  const kernels = createChunkerKernels(windowBytes);
  kernels.setTable(firstTableAddress, modTable(polynomial));
  kernels.setTable(secondTableAddress, outTable(polynomial, hashWindowBytes));
  return createWindowChunker({
    name: 'rabin',
    window: kernels.window,
    findCut: (start, limit) =>
      kernels.findRabinCut(windowAddress + start, chunkSizes.minimumBytes, limit, cutBits),
  });
}
