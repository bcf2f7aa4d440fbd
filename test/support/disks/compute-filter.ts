/** Filters of Compute Engine's lists, as far as they compare fields with texts. */
type Test = (item: object) => boolean;

/** `(labels.a = "b") (name = "c")`, or one expression with a pattern: `name eq ".*c"`; undefined for others. */
export function parseFilter(text: string): Test | undefined {
  const [, field = '', pattern] = /^([a-zA-Z]+) eq "([^"]*)"$/.exec(text) ?? [];
  if (pattern !== undefined) {
    const whole = new RegExp(`^(?:${pattern})$`);
    return (item) => whole.test(valueAt(item, [field]) ?? '');
  }
  const tests: Test[] = [];
  let rest = text.trim();
  while (rest !== '') {
    const [term = '', open = '', path = '', value = '', close = ''] =
      /^(\(?)([a-zA-Z]+(?:\.[a-z0-9_-]+)?) = "([^"]*)"(\)?)\s*/.exec(rest) ?? [];
    if (term === '' || (open === '') !== (close === '')) return undefined;
    tests.push((item) => valueAt(item, path.split('.')) === value);
    rest = rest.slice(term.length);
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
