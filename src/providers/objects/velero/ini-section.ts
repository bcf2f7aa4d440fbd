/**
 * The fields of a section of an INI file, names in lower case; undefined where there is no such section. `[profile a]`
 * is the section `a`.
 */
export function iniSection(text: string, wanted: string): ReadonlyMap<string, string> | undefined {
  let found: Map<string, string> | undefined;
  let isWanted = false;
  for (const line of text.split(/\r?\n/)) {
    const heading = /^\s*\[\s*(?:profile\s+)?([^\]]*?)\s*\]/.exec(line)?.[1];
    if (heading !== undefined) {
      isWanted = heading === wanted;
      if (isWanted) found ??= new Map();
      continue;
    }
    const [, name, value] = /^\s*([^#;=\s][^=]*?)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (isWanted && name !== undefined) found?.set(name.toLowerCase(), value ?? '');
  }
  return found;
}
