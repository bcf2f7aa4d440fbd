/**
 * The text of a YAML file in which documents, and items of the lists that kubectl prints, are emptied where none of
 * these words stands in them; lines and the numbers of items stay as they are. Parsing all of a cluster's objects would
 * take half a minute. JSON stays whole.
 */
export function onlyObjectsWith(words: readonly string[], text: string): string {
  const wanted = new RegExp(`\\b(${words.join('|')})\\b`);
  const documents = text.split(/(?<=^|\n)(?=---(?:\s|$))/);
  return documents
    .map((document) => (wanted.test(document) ? withoutItems(document, wanted) : emptiedDocument(document)))
    .join('');
}

/** What belongs to an item is indented, or a comment. */
function withoutItems(document: string, wanted: RegExp): string {
  const parts = document.split(/(?<=^|\n)(?=[^\s#])/);
  return parts
    .map((part) => (part.startsWith('- ') && !wanted.test(part) ? `-${emptied(part)}` : part))
    .join('');
}

/** A comment in place of the marker ends the document before it, whose last text the empty lines would belong to. */
function emptiedDocument(document: string): string {
  return document.startsWith('---') ? `#${emptied(document)}` : emptied(document);
}

function emptied(part: string): string {
  return part.replace(/[^\n]+/g, '');
}
