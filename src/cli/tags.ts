/** The tags of all `--tag` options; a comma separates several, as restic has it. */
export function tagList(given: readonly string[]): string[] {
  return [...new Set(given.flatMap(splitTags))];
}

/** One list for each `--tag`: a snapshot must carry all tags of one of them. */
export function tagAlternatives(given: readonly string[]): string[][] {
  return given.map(splitTags);
}

function splitTags(text: string): string[] {
  return text
    .split(',')
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '');
}
