import type { Location } from '../programs/program.ts';

/** What went over the wire. Bytes are those of bodies, without headers. */
export interface Traffic {
  readonly requests: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
}

/** A place for one repository, made for one turn of one program and gone after it. */
export interface OpenStore {
  readonly location: Location;
  /** What the repository takes: the sum of the sizes of its files. */
  readonly repositoryBytes: () => Promise<number>;
  /** Has the kernel forget what it caches of the repository, as a machine that restores from it has not read it. */
  readonly leaveCache: (() => void) | undefined;
  /** Traffic since the last call; only where it is counted. */
  readonly takeTraffic: (() => Traffic) | undefined;
  readonly close: () => Promise<void>;
}

export interface StoreOptions {
  /** An empty folder on the file system of the data. */
  readonly folder: string;
  /** Counts traffic, at a cost: such a turn's times do not count. */
  readonly isCounted: boolean;
}

export interface Store {
  readonly name: string;
  readonly about: string;
  readonly kind: Location['kind'];
  /** Why it cannot be had here; undefined where it can. */
  readonly absent: () => string | undefined;
  readonly open: (options: StoreOptions) => Promise<OpenStore>;
}
