import pLimit from 'p-limit';
import type { ObjectStore } from '../store.ts';

/** Puts a small object under each key, a bounded number at once. */
export async function putAll(
  store: ObjectStore,
  keys: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  const places = pLimit(16);
  await places.map(keys, (key) => store.put(key, Buffer.from(key), { signal }));
}
