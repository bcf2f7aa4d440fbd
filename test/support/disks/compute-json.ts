/** Resources of Compute Engine as its JSON has them, as far as the double fills them in. */
export interface DiskJson {
  readonly id: string;
  readonly name: string;
  readonly selfLink: string;
  status: string;
  readonly sizeGb: string;
  readonly type: string;
  readonly zone?: string;
  readonly region?: string;
  readonly replicaZones?: readonly string[];
  readonly users?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly description?: string;
  readonly creationTimestamp: string;
  readonly provisionedIops?: string;
  readonly provisionedThroughput?: string;
  readonly diskEncryptionKey?: KeyJson;
  readonly sourceSnapshot?: string;
}

export interface SnapshotJson {
  readonly id: string;
  readonly name: string;
  readonly selfLink: string;
  status: string;
  readonly sourceDisk: string;
  readonly diskSizeGb: string;
  readonly storageLocations: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly description?: string;
  readonly creationTimestamp: string;
  readonly snapshotEncryptionKey?: KeyJson;
}

export interface KeyJson {
  readonly kmsKeyName?: string;
  readonly sha256?: string;
}

export interface OperationJson {
  readonly id: string;
  readonly name: string;
  readonly operationType: string;
  readonly targetLink: string;
  readonly insertTime: string;
  readonly clientOperationId?: string;
  status: string;
  error?: { readonly errors: readonly { readonly code: string; readonly message: string }[] };
}

export interface PolicyJson {
  readonly version: number;
  readonly etag: string;
  readonly bindings: readonly object[];
}

/** What the cloud answers where it does not do what it was asked. */
export class ComputeRefusal extends Error {
  readonly status: number;
  readonly reason: string;

  constructor(status: number, reason: string, message: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

export function missing(id: string): ComputeRefusal {
  return new ComputeRefusal(404, 'notFound', `The resource '${id}' was not found`);
}

export function invalid(message: string): ComputeRefusal {
  return new ComputeRefusal(400, 'invalid', message);
}

export function forbidden(permission: string, id: string): ComputeRefusal {
  return new ComputeRefusal(403, 'forbidden', `Required '${permission}' permission for '${id}'`);
}
