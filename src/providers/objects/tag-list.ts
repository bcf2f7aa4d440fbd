/** The tags of `NAME=VALUE&...`, percent-encoded; undefined for a text that is no such list. */
export function parseTagList(text: string): Record<string, string> | undefined {
  const tags: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(text)) {
    if (name === '' || Object.hasOwn(tags, name)) return undefined;
    tags[name] = value;
  }
  return tags;
}
