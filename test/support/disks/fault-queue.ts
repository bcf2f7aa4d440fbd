import type { CloudCall, CloudFault, CloudFaultKind } from './cloud-double.ts';

/** Faults that wait for their calls. */
export class FaultQueue {
  #waiting: { readonly call: CloudCall; readonly kind: CloudFaultKind; left: number }[] = [];

  add({ call, kind, times = 1 }: CloudFault): void {
    this.#waiting.push({ call, kind, left: times });
  }

  clear(): void {
    this.#waiting = [];
  }

  /** What strikes this call. */
  take(call: CloudCall): CloudFaultKind | undefined {
    const fault = this.#waiting.find((waiting) => waiting.call === call);
    if (fault === undefined) return undefined;
    fault.left -= 1;
    if (fault.left <= 0) this.#waiting = this.#waiting.filter((waiting) => waiting !== fault);
    return fault.kind;
  }
}
