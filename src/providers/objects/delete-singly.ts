/** Deletes keys one by one, several at once. Throws what failed first; no further one is begun after it. */
export async function deleteSingly(
  keys: readonly string[],
  connections: number,
  deleteOne: (key: string) => Promise<void>,
): Promise<void> {
  // Shared: whoever fails ends it, and the others stop at the next key.
  const rest = each(keys);
  const workers = Array.from({ length: Math.min(connections, keys.length) }, async () => {
    for (const key of rest) await deleteOne(key);
  });
  const failed = (await Promise.allSettled(workers)).find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

function* each<T>(items: readonly T[]): Generator<T, void, undefined> {
  yield* items;
}
