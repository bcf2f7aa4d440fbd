import type { ObjectDriver, ObjectInfo } from './driver.ts';
import { checkKey } from './object-key.ts';

/**
 * A view of the driver in which every key stands below `prefix/`. Closing the view closes the driver.
 * Throws UsageError when the prefix is no valid key; a key that becomes too long is refused when it is used.
 */
export function withPrefix(driver: ObjectDriver, prefix: string): ObjectDriver {
  checkKey(prefix);
  const full = (key: string): string => {
    const fullKey = `${prefix}/${key}`;
    checkKey(fullKey);
    return fullKey;
  };
  const strip = (info: ObjectInfo): ObjectInfo => ({ ...info, key: info.key.slice(prefix.length + 1) });
  const [path = '', query] = driver.url.split('?', 2);
  return {
    url: `${path.replace(/\/$/, '')}/${prefix}${query === undefined ? '' : `?${query}`}`,
    capabilities: driver.capabilities,
    put: async (key, body, options) => driver.put(full(key), body, options),
    get: async function* (key, options) {
      yield* driver.get(full(key), options);
    },
    head: async (key, options) => strip(await driver.head(full(key), options)),
    list: async function* (keyPrefix, options) {
      const after = options.after === undefined ? undefined : full(options.after);
      for await (const info of driver.list(`${prefix}/${keyPrefix}`, { ...options, after }))
        yield strip(info);
    },
    delete: async (key, options) => driver.delete(full(key), options),
    deleteMany: async (keys, options) => driver.deleteMany(keys.map(full), options),
    createMultipart: async (key, options) => driver.createMultipart(full(key), options),
    close: () => driver.close(),
  };
}
