/**
 * The text of a YAML file in which documents, and items of the lists that kubectl prints, are emptied where none of
 * these words stands in them; lines and the numbers of items stay as they are. Parsing all of a cluster's objects would
 * take half a minute.
 */
export function onlyObjectsWith(words: readonly string[], text: string): string {
  const wanted = new RegExp(`\\b(${words.join('|')})\\b`);
  const documents = text.split(/^(?=---)/m);
  return documents
    .map((document) => (wanted.test(document) ? withoutItems(document, wanted) : emptied(document)))
    .join('');
}

/** What belongs to an item is indented, or a comment. */
function withoutItems(document: string, wanted: RegExp): string {
  const parts = document.split(/^(?=[^\s#])/m);
  return parts
    .map((part) => (part.startsWith('- ') && !wanted.test(part) ? `-${emptied(part)}` : part))
    .join('');
}

/** The marker of a document stays. */
function emptied(part: string): string {
  return part.replace(/^(?!---$).+/gm, '');
}
