/** Who stores objects: a service's plain SDK, or our driver. */
export interface Contestant {
  readonly name: 'SDK' | 'tranship';
  put(key: string, body: Buffer, sha256: string): Promise<void>;
  /** Gives the size of what came. */
  get(key: string): Promise<number>;
  close(): Promise<void>;
}

/** Two contestants on one server: the SDK, then ours. */
export interface DriverRace {
  readonly contestants: readonly Contestant[];
  /** Stops the server; the contestants are closed before. */
  readonly close: () => Promise<void>;
}
