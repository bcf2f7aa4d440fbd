import { UsageError } from '../base/errors.ts';

const idDigits = 64;

/** Ids, some of them named by their beginnings. */
export class IdSelection {
  /** Whole ids. */
  readonly ids: ReadonlySet<string>;
  readonly #prefixes: readonly string[];

  /** Throws UsageError for what is not 2 to 64 lower-case hex digits. */
  constructor(given: Iterable<string> = []) {
    const ids = new Set<string>();
    const prefixes = new Set<string>();
    for (const text of given) {
      if (!/^[0-9a-f]{2,64}$/.test(text)) {
        throw new UsageError('not an id', {
          where: JSON.stringify(text),
          advice: 'give 2 to 64 hex digits in lower case',
        });
      }
      (text.length === idDigits ? ids : prefixes).add(text);
    }
    this.ids = ids;
    this.#prefixes = [...prefixes];
  }

  get isEmpty(): boolean {
    return this.ids.size === 0 && this.#prefixes.length === 0;
  }

  has(id: string): boolean {
    return this.ids.has(id) || this.#prefixes.some((prefix) => id.startsWith(prefix));
  }
}
