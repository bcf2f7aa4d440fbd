/** Grows to at least `neededBytes`, by half at least so that growth stays rare; several threads may call it at once. */
export function growShared(buffer: SharedArrayBuffer, neededBytes: number): void {
  while (buffer.byteLength < neededBytes) {
    const target = Math.max(neededBytes, Math.ceil(buffer.byteLength / 8) * 12);
    try {
      buffer.grow(Math.min(buffer.maxByteLength, target));
    } catch (error) {
      // Another thread grew it further in between; only a buffer that is still too small is a failure.
      if (buffer.byteLength < neededBytes) throw error;
    }
  }
}
