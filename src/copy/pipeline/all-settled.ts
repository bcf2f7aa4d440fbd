/**
 * As Promise.all, but rejects only when all have settled: a worker may use a descriptor until then, and one that was
 * closed early would soon be another file's.
 */
export async function allSettled<T>(jobs: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(jobs);
  return Promise.all(jobs);
}
