import { close } from '../../base/file-system.ts';

interface HeldFolder {
  jobs: number;
  isLeft: boolean;
}

/** Descriptors of folders that jobs use: one that the walk has left is closed when the last job has ended. */
export class HeldFolders {
  readonly #held = new Map<number, HeldFolder>();

  hold(fd: number): void {
    const held = this.#held.get(fd);
    if (held === undefined) this.#held.set(fd, { jobs: 1, isLeft: false });
    else held.jobs++;
  }

  release(fd: number): void {
    const held = this.#held.get(fd);
    if (held === undefined || --held.jobs > 0) return;
    this.#held.delete(fd);
    if (held.isLeft) close(fd);
  }

  /** The walk needs the folder no more. */
  leave(fd: number): void {
    const held = this.#held.get(fd);
    if (held === undefined) close(fd);
    else held.isLeft = true;
  }

  /** No job runs any more. */
  close(): void {
    for (const [fd, { isLeft }] of this.#held) if (isLeft) close(fd);
    this.#held.clear();
  }
}
