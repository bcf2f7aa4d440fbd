/** What is made on the way. */
export type DiskThing = 'snapshot' | 'copy' | 'disk';

/** What happens while disks are snapshotted, restored or swept. Plain data. */
export type DiskEvent =
  /** The cloud took the order, or a thing of an earlier try whose answer was lost was found and is used. */
  | {
      readonly kind: 'made' | 'adopted' | 'ready' | 'deleted';
      readonly thing: DiskThing;
      readonly volume: string;
      readonly id: string;
    }
  | {
      readonly kind: 'progress';
      readonly thing: DiskThing;
      readonly volume: string;
      readonly id: string;
      /** 0 to 100; undefined where the cloud does not tell. */
      readonly percent: number | undefined;
      readonly waitedMs: number;
    }
  /** No answer came to an order: it is given again, where need be after a look at what the cloud has of it. */
  | {
      readonly kind: 'unanswered';
      readonly thing: DiskThing;
      readonly volume: string;
      readonly error: Error;
    };
