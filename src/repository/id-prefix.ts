import { RepositoryError, UsageError } from '../base/errors.ts';

/** How messages speak of what is looked for. */
export interface IdWords {
  /** `snapshot`. */
  readonly noun: string;
  /** What may be given, an imperative: `give an id of hex digits`. */
  readonly form: string;
  /** What shows the ids, where a command does: `tranship snapshots`. */
  readonly listing?: string | undefined;
}

/**
 * The one id that begins with at least two hex digits. Throws UsageError for what is no beginning of an id,
 * RepositoryError `not-found` when no id or several begin so.
 */
export function idByPrefix(ids: readonly string[], prefix: string, words: IdWords): string {
  const { noun, form, listing } = words;
  if (!/^[0-9a-f]{2,64}$/.test(prefix)) {
    const article = /^[aeiou]/.test(noun) ? 'an' : 'a';
    throw new UsageError(`not ${article} ${noun}`, { where: prefix, advice: form });
  }
  const matching = ids.filter((id) => id.startsWith(prefix));
  const [id, second] = matching;
  if (id !== undefined && second === undefined) return id;
  const what =
    id === undefined ? `there is no ${noun} of this id` : `${matching.length} ${noun}s start with this id`;
  const advice = listing === undefined ? {} : { advice: `list them with \`${listing}\`` };
  throw new RepositoryError('not-found', what, { where: prefix, ...advice });
}
