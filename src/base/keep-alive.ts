/** Node ends when only unreferenced timers are left; any interval that is referenced prevents it. */
const anyIntervalMs = 2 ** 30;

/**
 * Runs work whose waits ({@link Clock.sleep}) do not keep the process alive by themselves, and keeps it alive until the
 * work has settled.
 */
export async function keepAliveDuring<T>(work: () => Promise<T>): Promise<T> {
  const timer = setInterval(() => undefined, anyIntervalMs);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
