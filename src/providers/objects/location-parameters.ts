/**
 * Takes apart `path?name=value&...`. Throws what `wrong` makes where a name is none of `known`, stands twice, or there
 * is more than one question mark.
 */
export function readParameters(
  text: string,
  known: ReadonlySet<string>,
  wrong: (what: string, where?: string) => Error,
): { readonly path: string; readonly parameters: URLSearchParams } {
  const [path = '', query = '', ...more] = text.split('?');
  if (more.length > 0) throw wrong('the location holds more than one question mark');
  const parameters = new URLSearchParams(query);
  for (const name of parameters.keys()) {
    if (!known.has(name)) throw wrong('unknown parameter in the location', name);
    if (parameters.getAll(name).length > 1) throw wrong('a parameter stands twice in the location', name);
  }
  return { path, parameters };
}

/** A value as it stands in a location; a URL stays readable. */
export function parameterText(value: string): string {
  return encodeURIComponent(value).replaceAll('%3A', ':').replaceAll('%2F', '/');
}
