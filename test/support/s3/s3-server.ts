/** A server that speaks S3 on loopback, started for a test, with nothing in it yet. */
export interface S3Server {
  readonly name: string;
  /** `http://127.0.0.1:PORT` */
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
  /** Process ids, for those that measure or kill. */
  readonly processIds: readonly number[];
  /** Ends its processes and removes its folder. */
  stop(): Promise<void>;
}
