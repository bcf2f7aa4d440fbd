import type { ServiceRegion } from './service-region.ts';

/**
 * The regions that one driver has to do with: its own, and those that it has copied snapshots to or made disks in. An
 * id of EBS does not tell its region, so what was made elsewhere is remembered.
 */
export class Regions {
  readonly #create: (name: string) => ServiceRegion;
  readonly #opened = new Map<string, ServiceRegion>();
  readonly #elsewhere = new Map<string, string>();
  readonly home: ServiceRegion;

  constructor(home: string, create: (name: string) => ServiceRegion) {
    this.#create = create;
    this.home = this.named(home);
  }

  named(name: string): ServiceRegion {
    const region = this.#opened.get(name) ?? this.#create(name);
    this.#opened.set(name, region);
    return region;
  }

  /** Where a volume or a snapshot is. */
  of(id: string): ServiceRegion {
    const name = this.#elsewhere.get(id);
    return name === undefined ? this.home : this.named(name);
  }

  remember(id: string, region: ServiceRegion): void {
    if (region !== this.home) this.#elsewhere.set(id, region.name);
  }

  all(): readonly ServiceRegion[] {
    return [...this.#opened.values()];
  }

  async close(): Promise<void> {
    await Promise.all(this.all().map((region) => region.close()));
  }
}
