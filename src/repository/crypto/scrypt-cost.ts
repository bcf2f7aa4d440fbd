/** scrypt's cost parameters (RFC 7914): N a power of two, r the block size, p the parallelisation. */
export interface ScryptCost {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

/** restic's default, which its calibration starts from; a key made here is never weaker. */
export const minimumScryptCost: ScryptCost = { N: 2 ** 14, r: 8, p: 1 };
