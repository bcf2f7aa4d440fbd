/** The word that takes the fewest changed letters to become; letters of the other case count as equal. */
export function nearestWord(word: string, words: readonly string[]): string | undefined {
  let nearest: { readonly candidate: string; readonly changes: number } | undefined;
  for (const candidate of words) {
    const changes = changesBetween(word.toLowerCase(), candidate.toLowerCase());
    if (nearest === undefined || changes < nearest.changes) nearest = { candidate, changes };
  }
  return nearest?.candidate;
}

/** Levenshtein's distance, a row at a time. */
function changesBetween(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const replaced = (above[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, (above[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    above = current;
  }
  return above[b.length] ?? 0;
}
