const suffixes: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
};

/** Bytes of a quantity of Kubernetes (`8Gi`, `500M`, `1e9`), rounded up; undefined for any other text. */
export function parseQuantity(text: string): number | undefined {
  const match = /^(\d+(?:\.\d*)?(?:[eE]\d+)?)([A-Za-z]*)$/.exec(text);
  const factor = match?.[2] === undefined ? undefined : suffixes[match[2]];
  return match === null || factor === undefined ? undefined : Math.ceil(Number(match[1]) * factor);
}

/** A size as Kubernetes and the clouds count it: whole GiB, rounded up. */
export function formatGibibytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 30)}Gi`;
}
