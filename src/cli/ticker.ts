/** As often as restic prints its status. */
const intervalMs = 100;

export interface Ticker {
  stop(): void;
}

/** Calls `draw` ten times a second; keeps no process alive. */
export function startTicker(draw: () => void): Ticker {
  const timer = setInterval(draw, intervalMs);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}
