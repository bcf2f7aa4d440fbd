/** Filters of Compute Engine's lists, as far as they compare fields with texts: `(labels.a = "b") (name : "c")`. */
type Test = (item: object) => boolean;

/** Undefined for what is none. */
export function parseFilter(text: string): Test | undefined {
  const tests: Test[] = [];
  let rest = text.trim();
  while (rest !== '') {
    const [whole = '', open = '', path = '', operator = '', value = '', close = ''] =
      /^(\(?)([a-zA-Z]+(?:\.[a-z0-9_-]+)?) ([=:]) "([^"]*)"(\)?)\s*/.exec(rest) ?? [];
    if (whole === '' || (open === '') !== (close === '')) return undefined;
    tests.push((item) => {
      const found = valueAt(item, path.split('.'));
      return operator === '=' ? found === value : (found?.includes(value) ?? false);
    });
    rest = rest.slice(whole.length);
  }
  return (item) => tests.every((test) => test(item));
}

function valueAt(item: object, path: readonly string[]): string | undefined {
  const value = path.reduce<unknown>(
    (at, key) =>
      typeof at === 'object' && at !== null ? Object.getOwnPropertyDescriptor(at, key)?.value : undefined,
    item,
  );
  return typeof value === 'string' ? value : undefined;
}
