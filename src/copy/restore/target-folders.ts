import { RepositoryError } from '../../base/errors.ts';
import { close, openDirectoryAt } from '../../base/file-system.ts';
import type { RestorePlan } from './restore-plan.ts';

/** Descriptors kept open; a restore in pack order returns to the same few folders again and again. */
const openFolders = 512;

/**
 * Descriptors of the plan's directories, opened one name at a time from the target down, never through a link. A
 * descriptor that `fdOf` returns is valid until the next call.
 */
export class TargetFolders {
  readonly #plan: RestorePlan;
  readonly #targetFd: number;
  /** In order of last use. */
  readonly #open = new Map<number, number>();

  constructor(plan: RestorePlan, targetFd: number) {
    this.#plan = plan;
    this.#targetFd = targetFd;
  }

  fdOf(directory: number): number {
    if (directory === 0) return this.#targetFd;
    const open = this.#open.get(directory);
    if (open !== undefined) {
      this.#open.delete(directory);
      this.#open.set(directory, open);
      return open;
    }
    return this.#openFrom(directory);
  }

  close(): void {
    for (const fd of this.#open.values()) close(fd);
    this.#open.clear();
  }

  /** Climbs to the nearest open ancestor, then opens downwards: a loop, since trees may be deeper than the stack. */
  #openFrom(directory: number): number {
    const missing: number[] = [];
    let ancestor = directory;
    while (ancestor !== 0 && !this.#open.has(ancestor)) {
      missing.push(ancestor);
      const entry = this.#plan.directories[ancestor];
      if (entry === undefined) throw new RepositoryError('corrupt', `the plan has no directory ${ancestor}`);
      ancestor = entry.parent;
    }
    let fd = ancestor === 0 ? this.#targetFd : (this.#open.get(ancestor) ?? this.#targetFd);
    for (const index of missing.toReversed()) {
      fd = openDirectoryAt(fd, this.#plan.directories[index]?.name ?? Buffer.alloc(0));
      this.#open.set(index, fd);
    }
    this.#trim(directory);
    return fd;
  }

  #trim(inUse: number): void {
    for (const [directory, fd] of this.#open) {
      if (this.#open.size <= openFolders) return;
      if (directory === inUse) continue;
      this.#open.delete(directory);
      close(fd);
    }
  }
}
